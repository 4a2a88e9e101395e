#include "worker/agent/resources.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "base/files.h"
#include "base/status.h"
#include "base/utf8.h"

namespace tune::worker {
namespace {

// cgroup v2 as a container sees its own, then v1.
constexpr const char* kMemoryLimitFiles[] = {"/sys/fs/cgroup/memory.max",
                                             "/sys/fs/cgroup/memory/memory.limit_in_bytes"};

int32_t UsableCpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int32_t>(sysconf(_SC_NPROCESSORS_ONLN));
}

int64_t UsableMemory() {
  int64_t memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
  for (const char* file : kMemoryLimitFiles) {
    memory = LimitedMemory(memory, ReadFile(file).value_or("max"));
  }
  return memory;
}

}  // namespace

int64_t LimitedMemory(int64_t total, const std::string& cgroup_text) {
  int64_t limit;
  if (!absl::SimpleAtoi(cgroup_text, &limit) || limit <= 0) return total;
  return std::min(total, limit);
}

absl::StatusOr<v1::WorkerResources> ReadResources(const std::string& work_dir,
                                                  const DeviceReport& devices) {
  v1::WorkerResources resources;
  resources.set_cpus(UsableCpus());
  resources.set_host_memory_bytes(UsableMemory());
  ASSIGN_OR_RETURN(const int64_t free, FreeBytes(work_dir));
  resources.set_free_disk_bytes(free);
  for (const DeviceGpu& usable : UsableGpus(devices)) {
    v1::WorkerResources::Gpu* gpu = resources.add_gpus();
    gpu->set_product(ReplaceInvalidUtf8(usable.product));
    gpu->set_memory_bytes(usable.memory_bytes);
  }
  resources.set_unused_gpus(ReplaceInvalidUtf8(UnusedGpus(devices)));
  return resources;
}

}  // namespace tune::worker
