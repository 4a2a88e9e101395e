// What NVIDIA's driver says of itself and of this machine's GPUs, through its libcuda.so.1 (CUDA
// Driver API) and libnvidia-ml.so.1 (NVML), both loaded at run time: neither LibTorch's CUDA half
// nor any library of the CUDA toolkit is needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tune::trainer {

struct NvidiaGpu {
  std::string product;
  int64_t memory_bytes = 0;
  int capability = 0;      // 10 * major + minor: 86 for compute capability 8.6
  std::string link;        // "PCIe 4 x16 of x16"; "" where NVML does not tell
  std::string visible_as;  // DeviceGpu::visible_as
};

struct NvidiaDriver {
  std::string version;  // "580.65.06"; "" where NVML does not tell
  int cuda = 0;         // of the newest CUDA that it runs, 1000 * major + 10 * minor; 0: no driver
  std::vector<NvidiaGpu> gpus;
  // OK where it shows a GPU. NOT_FOUND where the machine has none, or CUDA_VISIBLE_DEVICES hides
  // all; FAILED_PRECONDITION, with what mends it, where it has one that the driver does not show.
  absl::Status status;
};

// `pci` is the folder of the machine's PCI devices (Linux,
// Documentation/ABI/testing/sysfs-bus-pci).
NvidiaDriver ReadNvidiaDriver(const std::string& pci = "/sys/bus/pci/devices");

// "13.0" for 13000.
std::string CudaVersionText(int version);

// "GPU-1" for ordinal 1 under CUDA_VISIBLE_DEVICES "GPU-0,GPU-1"; the ordinal itself where the
// variable is not set (null).
std::string VisibleAs(int ordinal, const char* visible_devices);

}  // namespace tune::trainer
