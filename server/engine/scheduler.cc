#include "server/engine/scheduler.h"

#include <algorithm>
#include <vector>

#include "absl/strings/strip.h"
#include "base/status.h"
#include "run/names.h"
#include "server/core/errors.h"
#include "server/core/placement.h"
#include "server/core/validation.h"
#include "server/engine/attempts.h"

namespace tune::server {
namespace {

struct Asker {
  std::string worker_id;
  std::string incarnation;
  std::string request_id;
};

absl::StatusOr<std::optional<std::string>> FirstFitting(Reader& reader, const Asker& asker,
                                                        absl::Time now) {
  ASSIGN_OR_RETURN(const WorkerRecord worker, reader.GetWorker(asker.worker_id));
  if (worker.incarnation != asker.incarnation) return UnknownWorker(asker.worker_id);
  ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs());
  const WorkerSlot slot = MakeSlot(worker, held);
  std::optional<std::string> found;
  RETURN_IF_ERROR(reader.VisitQueue([&](const QueuedJob& job) {
    if (IsDue(job, now) && FitsNow(job.resources, slot)) found = job.id;
    return !found.has_value();
  }));
  return found;
}

absl::StatusOr<std::optional<Checkpoint>> LatestResumable(Reader& reader, const Job& job) {
  if (job.latest_checkpoint.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const CheckpointRef ref, ParseCheckpointName(job.latest_checkpoint));
  return reader.GetCheckpoint(ref.job_id, ref.checkpoint_id);
}

int64_t SecondsLeft(const Job& job, absl::Time now) {
  if (job.spec.time_limit_seconds == 0) return 0;
  const int64_t used = absl::ToInt64Seconds(now - job.start_time);
  return std::max<int64_t>(job.spec.time_limit_seconds - used, 1);
}

// What the worker needs; `job` is held.
absl::StatusOr<Lease> MakeLease(Reader& reader, const Job& job, absl::Time now) {
  Lease lease;
  lease.key = {job.id, job.epoch};
  lease.attempt = job.attempts_used;
  lease.spec = job.spec;
  ASSIGN_OR_RETURN(const Model model,
                   reader.GetModel(std::string(absl::StripPrefix(job.spec.model, "models/"))));
  lease.model_files = model.files;
  for (const std::string& name : DatasetNames(job.spec)) {
    ASSIGN_OR_RETURN(Dataset dataset,
                     reader.GetDataset(std::string(absl::StripPrefix(name, "datasets/"))));
    lease.datasets.push_back(std::move(dataset));
  }
  ASSIGN_OR_RETURN(lease.resume_from, LatestResumable(reader, job));
  lease.time_limit_seconds = SecondsLeft(job, now);
  return lease;
}

absl::StatusOr<Job> Grant(Transaction& transaction, const std::string& job_id, const Asker& asker,
                          absl::Time now) {
  ASSIGN_OR_RETURN(const Job before, transaction.GetJob(job_id));
  Job after = before;
  after.state = JobState::kLeased;
  after.epoch = before.epoch + 1;
  after.attempts_used = before.attempts_used + 1;
  after.worker_id = asker.worker_id;
  after.reason = after.message = "";
  after.not_before = absl::InfinitePast();
  if (before.start_time == absl::InfinitePast()) after.start_time = now;
  RETURN_IF_ERROR(WriteState(transaction, before, after, now));
  Attempt attempt;
  attempt.number = after.attempts_used;
  attempt.worker_id = asker.worker_id;
  attempt.incarnation = asker.incarnation;
  attempt.start_time = now;
  attempt.resumed_from = before.latest_checkpoint;
  attempt.request_id = asker.request_id;
  attempt.result = "Running";
  RETURN_IF_ERROR(transaction.InsertAttempt(job_id, after.epoch, attempt));
  return after;
}

struct Grants {
  std::optional<Lease> lease;
  bool fresh = false;  // given now, not a repeat
  std::string reason;
  absl::Duration queue_wait;
};

absl::StatusOr<std::string> AttemptReason(Reader& reader, const Job& job) {
  if (job.attempts_used == 0) return "first";
  ASSIGN_OR_RETURN(const Attempt last, reader.GetAttempt(job.id, job.attempts_used));
  return last.result == "WorkerLost" ? "worker_lost" : "retryable_error";
}

absl::StatusOr<std::optional<Lease>> Repeat(Reader& reader, const LeaseKey& key, absl::Time now) {
  const auto job = GetHeldJob(reader, key);
  if (IsStaleEpoch(job.status())) return std::nullopt;
  RETURN_IF_ERROR(job.status());
  return MakeLease(reader, *job, now);
}

absl::StatusOr<Grants> Choose(Transaction& transaction, const Asker& asker, absl::Time now) {
  Grants grants;
  if (!asker.request_id.empty()) {
    ASSIGN_OR_RETURN(const auto earlier, transaction.FindLease(asker.request_id));
    if (earlier) {
      ASSIGN_OR_RETURN(grants.lease, Repeat(transaction, *earlier, now));
      return grants;
    }
  }
  ASSIGN_OR_RETURN(const auto job_id, FirstFitting(transaction, asker, now));
  if (!job_id) return grants;
  ASSIGN_OR_RETURN(const Job before, transaction.GetJob(*job_id));
  ASSIGN_OR_RETURN(grants.reason, AttemptReason(transaction, before));
  ASSIGN_OR_RETURN(const Job job, Grant(transaction, *job_id, asker, now));
  ASSIGN_OR_RETURN(grants.lease, MakeLease(transaction, job, now));
  grants.fresh = true;
  grants.queue_wait = now - before.queue_time;
  return grants;
}

}  // namespace

Scheduler::Scheduler(Store& store, Clock& clock, Leases& leases, EventHub& hub,
                     EngineObserver& observer)
    : store_(store), clock_(clock), leases_(leases), hub_(hub), observer_(observer) {}

absl::StatusOr<bool> Scheduler::MayGetLease(const std::string& worker_id,
                                            const std::string& incarnation,
                                            const std::string& request_id) {
  bool may = false;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const auto earlier, reader.FindLease(request_id));
    ASSIGN_OR_RETURN(const auto job_id,
                     FirstFitting(reader, {worker_id, incarnation, request_id}, clock_.Now()));
    may = earlier.has_value() || job_id.has_value();
    return absl::OkStatus();
  }));
  return may;
}

absl::StatusOr<std::optional<Lease>> Scheduler::AcquireLease(const std::string& worker_id,
                                                             const std::string& incarnation,
                                                             const std::string& request_id) {
  RETURN_IF_ERROR(leases_.CheckWorker(worker_id, incarnation));
  // Most asks of a waiting worker find nothing: those cost no transaction.
  ASSIGN_OR_RETURN(const bool may, MayGetLease(worker_id, incarnation, request_id));
  if (!may) return std::nullopt;
  Grants grants;
  RETURN_IF_ERROR(store_.Write([&](Transaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(grants,
                     Choose(transaction, {worker_id, incarnation, request_id}, clock_.Now()));
    return absl::OkStatus();
  }));
  if (!grants.lease) return std::nullopt;
  leases_.Granted(grants.lease->key, worker_id, incarnation);
  if (grants.fresh) {
    observer_.AttemptStarted(grants.reason, grants.queue_wait);
    hub_.Notify(grants.lease->key.job_id);
  }
  return std::move(grants.lease);
}

}  // namespace tune::server
