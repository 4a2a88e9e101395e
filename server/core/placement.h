// Which queued job goes to which worker: a pure function of a snapshot. The order of the
// queue is priority, highest first, then the order of submission. A job that fits no free
// worker does not hold up those behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/spec.h"
#include "server/core/job.h"
#include "server/core/worker.h"

namespace tune::server {

struct WaitReason {
  // NoWorker, NoGpuWorker, NoWorkerWithMemory, NoWorkerOfVersion, NoHealthyWorker, RetryDelay,
  // AvoidsWorker, AwaitsWorker, NoIdleWorker, InputDamaged
  std::string reason;
  std::string message;  // for people, with what to do next
};

// Paths of a run spec's fields, sorted; the jobs that set the same fields share one. Null for
// none.
using FieldPaths = std::shared_ptr<const std::vector<std::string>>;

struct QueuedJob {
  std::string id;
  int64_t priority = 0;
  int64_t submit_order = 0;
  ResourceSpec resources;
  FieldPaths fields_set;  // those that a worker's trainer must know (core/spec_fit.h)
  // Workers on which an attempt of it has failed; empty once it has waited long enough for
  // others.
  std::vector<std::string> avoids;
  bool due = true;  // false while the delay before a retry goes on
  // Why no worker could run it now, whichever it is; none where one could.
  std::optional<WaitReason> hold;
};

// A live worker: what it has, and what its leases leave free. A job on the CPU takes the
// whole worker, so that two never compete for its cores.
struct WorkerSlot {
  std::string id;
  int64_t gpus = 0;
  int64_t host_memory_bytes = 0;
  std::vector<int32_t> gpus_free;  // their indices, rising
  int64_t host_memory_free_bytes = 0;
  std::string trainer_version;
  std::vector<std::string> spec_fields;  // that its trainer knows, sorted
  bool idle = true;                      // it holds no lease
  bool asking = true;                    // it waits for a job
  std::string unhealthy;                 // why it gets none; "" for a healthy one
};

struct Assignment {
  std::string job_id;
  std::string worker_id;
  std::vector<int32_t> gpus;  // indices of those that the job takes; none on the CPU

  bool operator==(const Assignment&) const = default;
};

// Decides for all workers of `fleet` that are asking. The same snapshot gives the same
// answer, in whatever order it lists jobs and workers. A job goes to no worker whose trainer
// lacks a field that it sets, and to a worker that it avoids only where no other healthy worker
// could ever run it.
std::vector<Assignment> Place(const std::vector<QueuedJob>& queue, std::vector<WorkerSlot> fleet);

// The queue in its order. The pointers are into `queue`.
std::vector<const QueuedJob*> InOrder(const std::vector<QueuedJob>& queue);

// What `worker` has, less the shares of the `held` jobs that are its own.
WorkerSlot MakeSlot(const WorkerRecord& worker, const std::vector<Job>& held);

// GPUs that a job takes of a worker: for "auto", none on a worker that has none.
int64_t GpusTaken(const ResourceSpec& resources, int64_t worker_gpus);

// Whether the worker has the resources; whether they are free.
bool Fits(const ResourceSpec& resources, const WorkerSlot& worker);
bool FitsNow(const ResourceSpec& resources, const WorkerSlot& worker);

// The fields that the job sets and that the worker's trainer lacks.
std::vector<std::string> FieldsLacking(const QueuedJob& job, const WorkerSlot& worker);

// Why a queued job waits, given every live worker.
WaitReason ExplainWait(const QueuedJob& job, const std::vector<WorkerSlot>& workers);

}  // namespace tune::server
