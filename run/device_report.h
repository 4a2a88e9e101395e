// What a machine has to train on and what it lacks: `tune-trainer devices --json` writes it, and
// tune-worker reads it, who registers no GPU that its trainer could not use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace tune {

struct DeviceFinding {
  enum class State {
    kOk,
    kNote,     // worth knowing, and nothing that is needed
    kMissing,  // needed, and not there or not usable
  };
  State state = State::kOk;
  std::string what;  // "NVIDIA driver", "libcublas.so.13", "GPU 0"
  std::string text;  // what was found: a version, a path, a size
  std::string mend;  // of what is missing: the command, or the order, that mends it; else ""

  bool operator==(const DeviceFinding&) const = default;
};

// A GPU that the driver shows to the trainer.
struct DeviceGpu {
  std::string product;
  int64_t memory_bytes = 0;
  // What CUDA_VISIBLE_DEVICES must name for a program to see it, under CUDA_DEVICE_ORDER=PCI_BUS_ID
  // and whatever that variable hides from the trainer now.
  std::string visible_as;
  std::string problem;  // why the trainer cannot use it; "" where it can

  bool operator==(const DeviceGpu&) const = default;
};

struct DeviceReport {
  std::vector<DeviceFinding> findings;  // in the order in which people read them
  std::vector<DeviceGpu> gpus;          // by their place on the bus
  // Why none of the host's GPUs can be used, and what mends it; "" where one can, and on a host
  // that has none.
  std::string problem;

  bool operator==(const DeviceReport&) const = default;
};

Json DeviceReportToJson(const DeviceReport& report);
// INVALID_ARGUMENT, by field, where `json` is none. A later trainer may tell more.
absl::StatusOr<DeviceReport> DeviceReportFromJson(const Json& json);

// Those of the report that have no problem.
std::vector<DeviceGpu> UsableGpus(const DeviceReport& report);
// Why GPUs of the host are not used, on one line; "" where none is left out.
std::string UnusedGpus(const DeviceReport& report);

// kOk with `text`; kNote where `status` is NOT_FOUND, which says that there is nothing to find;
// else kMissing, of a message "what is wrong; what mends it".
DeviceFinding FindingOf(std::string what, const absl::Status& status, std::string text);

bool AnyMissing(const std::vector<DeviceFinding>& findings);

// One paragraph a finding, its lines at most `width` terminal cells where words permit; ASCII but
// for what the findings hold. With `colour` by ANSI escapes (ECMA-48, SGR).
std::string FindingsText(const std::vector<DeviceFinding>& findings, size_t width, bool colour);
// As wide as the terminal that `fd` is, and in colour unless NO_COLOR is set or TERM is dumb; for
// anything else 80 cells without colour.
std::string FindingsTextFor(int fd, const std::vector<DeviceFinding>& findings);

}  // namespace tune
