#include "server/engine/snapshot.h"

#include "base/status.h"

namespace tune::server {
namespace {

constexpr int64_t kAllWorkers = 100000;

}  // namespace

absl::StatusOr<std::vector<WorkerSlot>> LiveFleet(Reader& reader, Liveness& liveness) {
  ASSIGN_OR_RETURN(const auto workers, reader.ListWorkers("", kAllWorkers));
  ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs());
  std::vector<WorkerSlot> fleet;
  for (const WorkerRecord& worker : workers) {
    if (!liveness.IsAlive(worker.id)) continue;
    fleet.push_back(MakeSlot(worker, held));
    fleet.back().unhealthy = liveness.Unhealthy(worker.id);
  }
  return fleet;
}

absl::StatusOr<std::vector<QueuedJob>> DueQueue(Reader& reader, Liveness& liveness) {
  std::vector<QueuedJob> queue;
  RETURN_IF_ERROR(reader.VisitQueue([&](const QueuedJob& job) {
    queue.push_back(job);
    queue.back().due = liveness.IsDue(job.id);
    return true;
  }));
  return queue;
}

}  // namespace tune::server
