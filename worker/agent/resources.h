// What this machine has to train with.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "run/device_report.h"
#include "tune/v1/workers.pb.h"

namespace tune::worker {

// CPUs and memory as far as this process may use them: its affinity and its cgroup's limits
// count. Disk is what is free on the volume of `work_dir`. GPUs are those that the trainer can use.
absl::StatusOr<v1::WorkerResources> ReadResources(const std::string& work_dir,
                                                  const DeviceReport& devices);

// The memory limit in the text of a cgroup file ("max" or bytes), or `total` where that is
// lower or the text says none.
int64_t LimitedMemory(int64_t total, const std::string& cgroup_text);

}  // namespace tune::worker
