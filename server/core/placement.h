// Which queued job goes to which worker. The order of the queue is JobQueue's. A job that fits no
// free worker does not hold up those behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "run/spec.h"
#include "server/core/job_queue.h"
#include "server/core/queued_job.h"
#include "server/core/worker.h"

namespace tune::server {

// A live worker: what it has, and what its leases leave free. A job on the CPU takes the
// whole worker, so that two never compete for its cores.
struct WorkerSlot {
  std::string id;
  int64_t gpus = 0;
  int64_t host_memory_bytes = 0;
  std::vector<int32_t> gpus_free;  // their indices, rising
  int64_t host_memory_free_bytes = 0;
  std::string trainer_version;
  FieldPaths spec_fields;  // that its trainer knows
  Labels labels;
  bool idle = true;  // it holds no lease
  // Where some of its jobs make way for one of a higher priority: no other gets what the first of
  // them leave.
  std::optional<int64_t> least_priority;
  std::string unhealthy;  // why it gets no job; "" for a healthy one
  std::string cordoned;   // by whom and why; "" for one that gets jobs where it is healthy
};

// What a job that a worker holds takes of it.
struct HeldJob {
  std::string id;
  ResourceSpec resources;
  std::vector<int32_t> gpus;  // their indices; none for a job on the CPU
  int64_t epoch = 0;          // of its lease
  int64_t priority = 0;
  std::string owner = {};  // "" where nobody is named
  bool yields = false;     // its worker is asked to let go of it
  bool preempted = false;  // and for one of a higher priority
};

struct Assignment {
  std::string job_id;
  std::string worker_id;
  std::vector<int32_t> gpus;  // indices of those that the job takes; none on the CPU

  bool operator==(const Assignment&) const = default;
};

using Workers = std::vector<WorkerSlot>;

// For jobs whose owners may have whatever fits.
bool AnyJob(const QueuedJob& job);

// The first job of the queue that `worker` may have now; none for one that gets no job. `now` says
// of a job how it stands at this moment (the last fields of QueuedJob); `fleet`, all live workers,
// is asked for only where a job avoids this one: such a job goes to it only where no other healthy
// worker could ever run it. A job goes to no worker whose trainer lacks a field that it sets.
// `may_have`, by its owner and resources: whether the owner may have it too.
std::optional<Assignment> NextJob(const JobQueue& queue, const WorkerSlot& worker,
                                  absl::FunctionRef<QueuedJob(const QueuedJob&)> now,
                                  absl::FunctionRef<Workers()> fleet,
                                  JobQueue::Judge may_have = AnyJob);

// Whether the job failed on this worker, and tries another for now.
bool AvoidsNow(const QueuedJob& job, const WorkerSlot& worker);

// Healthy, and not cordoned.
bool GetsJobs(const WorkerSlot& worker);

// "is cordoned by alice: new disk"
std::string CordonText(const Cordon& cordon);

// The worker without leases.
WorkerSlot MakeSlot(const WorkerRecord& worker);
// Takes the job's share off the worker.
void Occupy(const HeldJob& job, WorkerSlot& worker);

// GPUs that a job takes of a worker: for "auto", none on a worker that has none.
int64_t GpusTaken(const ResourceSpec& resources, int64_t worker_gpus);

// Whether the worker has the resources; whether they are free.
bool Fits(const ResourceSpec& resources, const WorkerSlot& worker);
bool FitsNow(const ResourceSpec& resources, const WorkerSlot& worker);
// And whether its trainer knows what the job sets.
bool FitsNow(const QueuedJob& job, const WorkerSlot& worker);

// The fields that the job sets and that the worker's trainer lacks.
std::vector<std::string> FieldsLacking(const QueuedJob& job, const WorkerSlot& worker);

// Why a queued job waits, given every live worker.
WaitReason ExplainWait(const QueuedJob& job, const Workers& workers);

}  // namespace tune::server
