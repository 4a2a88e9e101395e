#include "server/engine/snapshot.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/engine/blob_damage.h"

namespace tune::server {
namespace {

constexpr int64_t kAllWorkers = 100000;

// Why queued jobs wait whose inputs cannot be read, by job id.
absl::StatusOr<std::map<std::string, WaitReason>> HarmedJobs(Reader& reader, BlobStore& blobs) {
  std::map<std::string, WaitReason> harmed;
  for (const auto& [sha256, why] : blobs.Damaged()) {
    ASSIGN_OR_RETURN(const std::vector<BlobUser> users, reader.FindBlobUsers(sha256));
    for (const BlobUser& user : users) {
      ASSIGN_OR_RETURN(const auto job_ids, reader.FindQueuedUsers(user.resource));
      for (const std::string& id : job_ids) {
        harmed[id] = {"InputDamaged", absl::StrCat(user.resource, ": ", user.path,
                                                   " is damaged on the scheduler's disk; ",
                                                   MendingOf(user.resource))};
      }
    }
  }
  return harmed;
}

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

absl::StatusOr<std::vector<QueuedJob>> DueQueue(Reader& reader, Liveness& liveness,
                                                BlobStore& blobs) {
  ASSIGN_OR_RETURN(const auto harmed, HarmedJobs(reader, blobs));
  ASSIGN_OR_RETURN(std::vector<QueuedJob> queue, reader.ListQueue());
  for (QueuedJob& job : queue) {
    job.due = liveness.IsDue(job.id);
    if (!liveness.MayAvoid(job.id)) job.avoids.clear();
    if (const auto found = harmed.find(job.id); found != harmed.end()) job.hold = found->second;
  }
  return queue;
}

}  // namespace tune::server
