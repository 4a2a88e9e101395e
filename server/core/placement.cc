#include "server/core/placement.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

bool HasDevice(const ResourceSpec& resources, int64_t gpus) {
  return resources.device != "cuda" || gpus >= std::max<int64_t>(resources.gpus, 1);
}

bool HasGpusFor(const ResourceSpec& resources, int64_t worker_gpus, int64_t gpus) {
  return HasDevice(resources, worker_gpus) && GpusTaken(resources, worker_gpus) <= gpus;
}

std::string GiB(int64_t bytes) {
  return absl::StrCat(static_cast<double>(bytes * 10 / (int64_t{1} << 30)) / 10, " GiB");
}

WaitReason NoGpuWorker(const ResourceSpec& resources) {
  return {"NoGpuWorker", absl::StrCat("no live worker has ", std::max<int64_t>(resources.gpus, 1),
                                      " GPU(s); start one, or submit with resources.device: cpu")};
}

WaitReason NoWorkerWithMemory(const ResourceSpec& resources) {
  return {"NoWorkerWithMemory",
          absl::StrCat("no fitting worker has ", GiB(resources.host_memory_bytes),
                       " of host memory; start one, or lower resources.host_memory_bytes")};
}

}  // namespace

WorkerSlot MakeSlot(const WorkerRecord& worker, const std::vector<Job>& held) {
  WorkerSlot slot;
  slot.id = worker.id;
  slot.gpus = slot.gpus_free = static_cast<int64_t>(worker.resources.gpus.size());
  slot.host_memory_bytes = slot.host_memory_free_bytes = worker.resources.host_memory_bytes;
  for (const Job& job : held) {
    if (job.worker_id == worker.id) Occupy(job.spec.resources, slot);
  }
  return slot;
}

int64_t GpusTaken(const ResourceSpec& resources, int64_t worker_gpus) {
  if (resources.device == "cpu" || worker_gpus == 0) return 0;
  return std::max<int64_t>(resources.gpus, 1);
}

bool Fits(const ResourceSpec& resources, const WorkerSlot& worker) {
  return HasGpusFor(resources, worker.gpus, worker.gpus) &&
         resources.host_memory_bytes <= worker.host_memory_bytes;
}

bool FitsNow(const ResourceSpec& resources, const WorkerSlot& worker) {
  if (GpusTaken(resources, worker.gpus) == 0 && !worker.idle) return false;
  return HasGpusFor(resources, worker.gpus, worker.gpus_free) &&
         resources.host_memory_bytes <= worker.host_memory_free_bytes;
}

void Occupy(const ResourceSpec& resources, WorkerSlot& worker) {
  const int64_t gpus = GpusTaken(resources, worker.gpus);
  worker.gpus_free = gpus == 0 ? 0 : std::max<int64_t>(worker.gpus_free - gpus, 0);
  worker.host_memory_free_bytes -= resources.host_memory_bytes;
  worker.idle = false;
}

bool IsDue(const QueuedJob& job, absl::Time now, absl::Duration max_delay) {
  return job.not_before <= now || job.not_before - now > max_delay;
}

WaitReason ExplainWait(const QueuedJob& job, const std::vector<WorkerSlot>& workers,
                       absl::Time now) {
  if (workers.empty()) {
    return {"NoWorker", "no live worker; start one with tune-worker --scheduler ADDRESS"};
  }
  const bool device = std::any_of(workers.begin(), workers.end(), [&](const WorkerSlot& worker) {
    return HasGpusFor(job.resources, worker.gpus, worker.gpus);
  });
  if (!device) return NoGpuWorker(job.resources);
  const bool fits = std::any_of(workers.begin(), workers.end(), [&](const WorkerSlot& worker) {
    return Fits(job.resources, worker);
  });
  if (!fits) return NoWorkerWithMemory(job.resources);
  if (!IsDue(job, now)) {
    return {"RetryDelay", "the last attempt failed; the next one begins shortly"};
  }
  return {"NoIdleWorker", "every fitting worker is busy; it starts when one is free"};
}

}  // namespace tune::server
