#include "server/engine/commits.h"

#include "base/log.h"
#include "base/status.h"
#include "server/engine/blob_collector.h"
#include "server/engine/snapshot.h"

namespace tune::server {
namespace {

void ObserveEnd(const Job& job, EngineObserver& observer) {
  const bool ran = job.start_time != absl::InfinitePast();
  observer.JobFinished(job.state, ran ? job.end_time - job.start_time : absl::ZeroDuration());
}

}  // namespace

absl::Duration TakeRunTime(Liveness& liveness, const LeaseKey& key, Effects& effects) {
  const absl::Duration time = liveness.TakeRunTime(key);
  effects.run_time.push_back({key, time});
  return time;
}

Commits::Commits(Store& store, BlobStore& blobs, Liveness& liveness, Waiters& waiters,
                 EventHub& hub, EngineObserver& observer)
    : store_(store),
      blobs_(blobs),
      liveness_(liveness),
      waiters_(waiters),
      hub_(hub),
      observer_(observer) {}

absl::Status Commits::Write(Change change, Effects& effects) {
  const absl::Status status = store_.Write([&](Transaction& transaction) {
    GiveBack(effects);  // of a run before this one
    effects = {};
    return change(transaction, effects);
  });
  if (!status.ok()) GiveBack(effects);
  return status;
}

void Commits::GiveBack(const Effects& effects) {
  for (const TakenRunTime& taken : effects.run_time) {
    liveness_.GiveBackRunTime(taken.key, taken.time);
  }
}

absl::Status Commits::Run(Change change) {
  Effects effects;
  RETURN_IF_ERROR(Write(change, effects));
  Apply(effects);
  return absl::OkStatus();
}

absl::Status Commits::Rehearse(Change change) {
  const absl::Status taken_back = absl::CancelledError("a rehearsal");
  Effects effects;
  const absl::Status status = Write(
      [&](Transaction& transaction, Effects& rehearsed) -> absl::Status {
        RETURN_IF_ERROR(change(transaction, rehearsed));
        return taken_back;
      },
      effects);
  return status == taken_back ? absl::OkStatus() : status;
}

absl::Status Commits::RunReferring(const std::vector<FileEntry>& files, const std::string& field,
                                   Change change) {
  Effects effects;
  {
    absl::ReaderMutexLock lock(&blobs_.references());
    RETURN_IF_ERROR(blobs_.CheckPresent(files, field));
    RETURN_IF_ERROR(Write(change, effects));
  }
  Apply(effects);
  return absl::OkStatus();
}

// The bench comes before the waking: who is woken must not get a job for a benched worker.
void Commits::Apply(const Effects& effects) {
  for (const LeaseKey& key : effects.ended) liveness_.Ended(key);
  for (const GrantedLease& lease : effects.granted) {
    liveness_.Granted(lease.key, lease.worker_id, lease.incarnation);
  }
  for (const EndedAttempt& attempt : effects.attempts) Judge(attempt);
  for (const Job& job : effects.requeued) liveness_.Delay(job.id, job.retry_delay);
  if (!effects.submitted.empty()) observer_.JobSubmitted();
  if (effects.started) {
    observer_.AttemptStarted(effects.started->reason, effects.started->queue_wait);
  }
  for (const Job& job : effects.over) ObserveEnd(job, observer_);
  CollectBlobs(store_, blobs_, effects.dropped);
  for (const std::string& job_id : effects.changed_jobs) hub_.Notify(job_id);
  Wake(effects);
}

void Commits::Wake(const Effects& effects) {
  if (effects.fleet_shrank || FreesQuota(effects)) return waiters_.WakeAll();
  for (const EndedAttempt& attempt : effects.attempts) waiters_.Wake(attempt.worker_id);
  if (!effects.submitted.empty()) CallFor(effects.submitted);
  for (const Job& job : effects.requeued) {
    if (job.retry_delay <= absl::ZeroDuration()) CallFor(job.id);
  }
}

bool Commits::FreesQuota(const Effects& effects) {
  bool frees = false;
  store_.hot().Read([&](const JobQueue& queue, const Fleet&, const Quotas& quotas) {
    for (const EndedAttempt& attempt : effects.attempts) {
      const Quota quota = quotas.Of(attempt.owner);
      frees |= (quota.running_jobs || quota.gpus) && queue.CountOf(attempt.owner) > 0;
    }
  });
  return frees;
}

void Commits::CallFor(const std::string& job_id) {
  std::optional<QueuedJob> job;
  store_.hot().Read([&](const JobQueue& queue, const Fleet&) {
    if (const QueuedJob* const found = queue.Find(job_id)) job = *found;
  });
  if (!job || !job->waits_for.empty()) return;          // somebody has it already, or none may
  if (!job->avoids.empty()) return waiters_.WakeAll();  // who may have it is no matter of one slot
  waiters_.CallFor([this, job = *std::move(job)](const std::string& worker_id) {
    return CouldTake(store_.hot(), liveness_, worker_id, job);
  });
}

void Commits::Judge(const EndedAttempt& attempt) {
  bool benched = false;
  if (attempt.fault == Fault::kWorker) {
    liveness_.WorkerFailed(attempt.worker_id, attempt.reason);
    benched = true;
  } else if (attempt.well) {
    liveness_.WentWell(attempt.worker_id);
  } else if (attempt.fault == Fault::kJob) {
    benched = liveness_.JobFailed(attempt.worker_id, attempt.job_id, attempt.reason);
  }
  if (!benched) return;
  spdlog::warn("worker {} is benched: {}", attempt.worker_id,
               liveness_.Unhealthy(attempt.worker_id));
  observer_.WorkerBenched();
}

}  // namespace tune::server
