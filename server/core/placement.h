// Which queued job goes to which worker: pure functions of a snapshot. Queue order:
// priority, highest first, then the order of submission. A job that fits no free worker
// does not hold up those behind it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "run/spec.h"
#include "server/core/job.h"
#include "server/core/worker.h"

namespace tune::server {

struct QueuedJob {
  std::string id;
  int64_t priority = 0;
  int64_t submit_order = 0;
  ResourceSpec resources;
  absl::Time not_before = absl::InfinitePast();
};

// A live worker: what it has, and what its leases leave free. A job on the CPU takes the
// whole worker, so that two never compete for its cores.
struct WorkerSlot {
  std::string id;
  int64_t gpus = 0;
  int64_t host_memory_bytes = 0;
  int64_t gpus_free = 0;
  int64_t host_memory_free_bytes = 0;
  bool idle = true;  // holds no lease
};

// What `worker` has, less the shares of the `held` jobs that are its own.
WorkerSlot MakeSlot(const WorkerRecord& worker, const std::vector<Job>& held);

// GPUs that a job takes of a worker: for "auto", none on a worker that has none.
int64_t GpusTaken(const ResourceSpec& resources, int64_t worker_gpus);

// Could ever run it; can take it now.
bool Fits(const ResourceSpec& resources, const WorkerSlot& worker);
bool FitsNow(const ResourceSpec& resources, const WorkerSlot& worker);

// Takes the job's share off the worker's free resources.
void Occupy(const ResourceSpec& resources, WorkerSlot& worker);

// False while the delay before a retry goes on. A not_before more than `max_delay` away
// comes from a clock that was set back, and does not count.
bool IsDue(const QueuedJob& job, absl::Time now, absl::Duration max_delay = absl::Minutes(1));

struct WaitReason {
  std::string reason;   // NoWorker, NoGpuWorker, NoWorkerWithMemory, NoIdleWorker, RetryDelay
  std::string message;  // for people, with what to do next
};

// Why a queued job waits, given every live worker.
WaitReason ExplainWait(const QueuedJob& job, const std::vector<WorkerSlot>& workers,
                       absl::Time now);

}  // namespace tune::server
