// The GPUs of this machine, through the driver's NVML, loaded at run time: the worker
// needs no CUDA, and a machine without a driver simply has none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tune::worker {

struct GpuReading {
  std::string product;
  std::string uuid;
  int64_t memory_bytes = 0;
  int64_t memory_used_bytes = 0;
  // Absent where the device does not tell (MIG slices, old cards).
  std::optional<double> utilization;  // share of the last sample period with a kernel running
  std::optional<double> temperature_celsius;
  std::optional<double> energy_joules;  // since the driver was loaded
};

class GpuProbe {
 public:
  virtual ~GpuProbe() = default;
  // In NVML's order (PCI bus). Thread-safe.
  virtual std::vector<GpuReading> Read() = 0;
};

// NVML, or a probe that finds no GPU.
std::unique_ptr<GpuProbe> OpenGpuProbe();

}  // namespace tune::worker
