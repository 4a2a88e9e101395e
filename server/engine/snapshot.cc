#include "server/engine/snapshot.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/engine/blob_damage.h"

namespace tune::server {

absl::StatusOr<HarmedJobs> FindHarmedJobs(Reader& reader, BlobStore& blobs) {
  HarmedJobs harmed;
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

Workers LiveFleet(const Fleet& fleet, Liveness& liveness) {
  Workers live;
  for (const WorkerSlot* slot : fleet.Slots()) {
    if (!liveness.IsAlive(slot->id)) continue;
    live.push_back(*slot);
    live.back().unhealthy = liveness.Unhealthy(slot->id);
  }
  return live;
}

QueuedJob JobNow(const QueuedJob& job, Liveness& liveness, const HarmedJobs& harmed,
                 const Fleet& fleet, const Quotas& quotas) {
  QueuedJob now = job;
  now.due = liveness.IsDue(job.id);
  now.may_avoid = liveness.MayAvoid(job.id);
  if (const auto found = harmed.find(job.id); found != harmed.end()) now.hold = found->second;
  // On a worker without GPUs auto takes none.
  const int64_t gpus = job.resources.device == "cuda" ? job.resources.gpus : 0;
  const std::string reached =
      QuotaReached(job.owner, quotas.Of(job.owner), fleet.HoldingsOf(job.owner), gpus);
  if (!now.hold && !reached.empty()) now.hold = WaitReason{"QuotaReached", reached};
  return now;
}

bool CouldTake(const HotState& hot, Liveness& liveness, const std::string& worker_id,
               const QueuedJob& job) {
  if (!liveness.Unhealthy(worker_id).empty()) return false;
  bool could = false;
  hot.Read([&](const JobQueue&, const Fleet& fleet) {
    const WorkerSlot* const slot = fleet.FindSlot(worker_id);
    could = slot != nullptr && slot->cordoned.empty() && FitsNow(job, *slot);
  });
  return could;
}

}  // namespace tune::server
