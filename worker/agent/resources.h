// What this machine has to train with.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/gpus.h"

namespace tune::worker {

// CPUs and memory as far as this process may use them: its affinity and its cgroup's limits
// count. Disk is what is free on the volume of `work_dir`.
absl::StatusOr<v1::WorkerResources> ReadResources(const std::string& work_dir, GpuProbe& gpus);

// The memory limit in the text of a cgroup file ("max" or bytes), or `total` where that is
// lower or the text says none.
int64_t LimitedMemory(int64_t total, const std::string& cgroup_text);

// A valid worker name made of any text: lower case, what is not allowed becomes '-',
// at most 64 characters, no leading dot.
std::string WorkerNameFrom(const std::string& text);
// [a-z0-9._-]{1,64} without a leading dot.
bool IsValidWorkerName(const std::string& name);

}  // namespace tune::worker
