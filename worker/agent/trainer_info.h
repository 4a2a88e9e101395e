// What this worker's tune-trainer is, told by itself.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "run/device_report.h"
#include "worker/agent/process.h"

namespace tune::worker {

struct TrainerInfo {
  std::string version;                   // "0.1.0"
  std::vector<std::string> spec_fields;  // paths of a run spec that it knows: "eval.every"
};

// Runs `TRAINER version`, which shows too that the program and its libraries load. It needs no
// disk and no GPU, and takes well under a second. An error says what the trainer did instead:
// FAILED_PRECONDITION where it could not start, ended otherwise than with 0, or told something
// else, as one of an earlier release does; DEADLINE_EXCEEDED where it had not ended in time.
absl::StatusOr<TrainerInfo> AskTrainer(const std::string& trainer, ProcessRunner& processes,
                                       Clock& clock);

// Runs `TRAINER devices --json`, and with a `folder` measures its disk: what the machine has to
// train on. Errors as above. Numbers of GPUs follow their place on the bus, here and in every
// attempt.
absl::StatusOr<DeviceReport> AskDevices(const std::string& trainer, const std::string& folder,
                                        ProcessRunner& processes, Clock& clock);

// "NAME=VALUE": under which a trainer numbers its GPUs by their place on the bus, as NVML does.
inline constexpr char kGpuOrder[] = "CUDA_DEVICE_ORDER=PCI_BUS_ID";

}  // namespace tune::worker
