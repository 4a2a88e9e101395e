#include "server/engine/attempts.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "server/core/errors.h"
#include "server/core/retry.h"
#include "server/engine/dependencies.h"
#include "server/engine/resume.h"

namespace tune::server {
namespace {

JobEvent StateEvent(const Job& job, absl::Time now, const std::string& user) {
  JobEvent event;
  event.kind = JobEvent::Kind::kStateChange;
  event.time = now;
  event.attempt = job.attempt;
  event.state = job.state;
  event.reason = job.reason;
  event.message = job.message;
  event.worker_id = job.worker_id;
  event.user = user;
  return event;
}

// How far the attempt came, and that it is over.
absl::StatusOr<Attempt> CloseAttempt(Transaction& transaction, const Job& job,
                                     const AttemptResult& end, absl::Time now) {
  ASSIGN_OR_RETURN(Attempt attempt, transaction.GetAttempt(job.id, job.attempt));
  attempt.end_time = now;
  attempt.result = end.result;
  attempt.message = end.message;
  RETURN_IF_ERROR(transaction.UpdateAttempt(job.id, attempt));
  return attempt;
}

// A crash of the job on a worker may be the worker's doing: the next attempt tries another.
bool MakesAvoid(absl::string_view result) {
  const Fault fault = FaultOf(result);
  return fault == Fault::kJob || fault == Fault::kWorker;
}

void AddAvoided(const std::string& worker_id, Job& job) {
  constexpr size_t kMaxAvoided = 16;
  std::erase(job.avoids, worker_id);
  job.avoids.push_back(worker_id);
  if (job.avoids.size() > kMaxAvoided) job.avoids.erase(job.avoids.begin());
}

void AddEnd(const Job& job, bool well, const AttemptResult& end, Effects& effects) {
  // Where the same call took the lease back first.
  std::erase_if(effects.granted, [&](const GrantedLease& lease) {
    return lease.key == LeaseKey{job.id, job.epoch};
  });
  effects.ended.push_back({job.id, job.epoch});
  effects.attempts.push_back({.worker_id = job.worker_id,
                              .job_id = job.id,
                              .fault = FaultOf(end.result),
                              .well = well,
                              .reason = absl::StrCat(end.result, ": ", end.message),
                              .owner = job.owner});
  effects.changed_jobs.insert(job.id);
}

RetryDecision Decide(const Job& job, bool progressed, Cost cost) {
  return DecideRetry({.cost = cost,
                      .progressed = progressed,
                      .retries = job.spec.retries,
                      .budget = job.budget,
                      .run_time = job.run_time,
                      .time_limit = absl::Seconds(job.spec.time_limit_seconds)});
}

// An attempt that let go of its job has ended for the reason for which it was asked to.
AttemptResult WithOrder(const Job& job, AttemptResult end) {
  if (end.result != kYielded || job.yield_reason.empty()) return end;
  end.result = job.yield_reason;
  end.message = job.message;
  return end;
}

// Where the job goes from an attempt that has failed.
void MoveOn(const RetryDecision& decision, absl::Time now, Job& after, Effects& effects) {
  const bool pauses = after.yield_reason == kPaused;
  after.yield_reason = "";
  if (!decision.retry) {
    after.state = JobState::kFailed;
    after.end_time = now;
    effects.over.push_back(after);
  } else if (pauses) {
    after.state = JobState::kPaused;
    after.reason = std::string(kPaused);
  } else {
    after.state = JobState::kQueued;
    after.queue_time = now;
    after.retry_delay = decision.delay;
    effects.requeued.push_back(after);
  }
}

std::string Joined(const std::string& message, const std::string& more) {
  if (message.empty() || more.empty()) return message + more;
  return absl::StrCat(message, "; ", more);
}

// Whether the lease's attempt was lost, and is the last that the job has had: no other end leaves
// the epoch as it is.
bool MayGoOn(const Job& job, const LeaseKey& key) {
  return job.state == JobState::kQueued && job.epoch == key.epoch && job.attempt > 0;
}

// A job without GPUs has the worker to itself.
bool Collide(const Job& a, const Job& b) {
  if (a.gpus.empty() || b.gpus.empty()) return true;
  return absl::c_any_of(a.gpus, [&](int32_t gpu) { return absl::c_linear_search(b.gpus, gpu); });
}

absl::Status CheckPlaceIsFree(Reader& reader, const Job& lost) {
  ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs(lost.worker_id));
  const bool taken = absl::c_any_of(held, [&](const Job& job) { return Collide(job, lost); });
  return taken ? StaleEpoch({lost.id, lost.epoch}) : absl::OkStatus();
}

// The lost attempt goes on, RUNNING where it has reported.
absl::StatusOr<Job> TakeBack(Transaction& transaction, const Job& lost, absl::Time now,
                             Effects& effects) {
  RETURN_IF_ERROR(CheckPlaceIsFree(transaction, lost));
  ASSIGN_OR_RETURN(Attempt attempt, transaction.GetAttempt(lost.id, lost.attempt));
  attempt.end_time = absl::InfinitePast();
  attempt.result = "Running";
  attempt.message = "";
  RETURN_IF_ERROR(transaction.UpdateAttempt(lost.id, attempt));
  Job after = lost;
  after.state = JobState::kLeased;
  after.reason = after.message = "";
  after.retry_delay = absl::ZeroDuration();
  RETURN_IF_ERROR(WriteState(transaction, lost, after, now));
  effects.granted.push_back({{lost.id, lost.epoch}, lost.worker_id, attempt.incarnation});
  effects.changed_jobs.insert(lost.id);
  spdlog::info("lease goes on job={} epoch={} worker={}", lost.id, lost.epoch, lost.worker_id);
  return attempt.last_report_seq > 0 ? MarkRunning(transaction, after, now) : after;
}

}  // namespace

absl::StatusOr<Job> GetHeldJob(Reader& reader, const LeaseKey& key) {
  ASSIGN_OR_RETURN(Job job, reader.GetJob(key.job_id));
  if (job.epoch != key.epoch || !IsHeld(job.state)) return StaleEpoch(key);
  return job;
}

absl::Status CheckHolds(Reader& reader, const LeaseKey& key) {
  ASSIGN_OR_RETURN(const Job job, reader.GetJob(key.job_id));
  return MayGoOn(job, key) ? CheckPlaceIsFree(reader, job) : GetHeldJob(reader, key).status();
}

absl::StatusOr<Job> HoldJob(Transaction& transaction, const LeaseKey& key, absl::Time now,
                            Effects& effects) {
  ASSIGN_OR_RETURN(const Job job, transaction.GetJob(key.job_id));
  return MayGoOn(job, key) ? TakeBack(transaction, job, now, effects)
                           : GetHeldJob(transaction, key);
}

absl::StatusOr<Job> MarkRunning(Transaction& transaction, const Job& job, absl::Time now) {
  if (job.state == JobState::kRunning) return job;
  Job running = job;
  running.state = JobState::kRunning;
  RETURN_IF_ERROR(WriteState(transaction, job, running, now));
  return running;
}

absl::Status ChargeRunTime(Transaction& transaction, absl::Duration run_time, absl::Time now,
                           Job& job) {
  if (run_time <= absl::ZeroDuration()) return absl::OkStatus();
  job.run_time += run_time;
  const double devices = std::max<double>(1, static_cast<double>(job.gpus.size()));
  return transaction.AddUsage(job.owner, devices * absl::ToDoubleSeconds(run_time), now);
}

absl::Status WriteState(Transaction& transaction, const Job& before, const Job& after,
                        absl::Time now, const std::string& user) {
  RETURN_IF_ERROR(transaction.UpdateJob(before, after));
  return transaction.AppendEvent(after.id, StateEvent(after, now, user)).status();
}

absl::StatusOr<Job> AskToYield(Transaction& transaction, const Job& job, const YieldOrder& order,
                               absl::Time now, Effects& effects) {
  Job after = job;
  after.yield_reason = std::string(order.yield_reason);
  after.reason = std::string(order.reason);
  after.message = order.message;
  RETURN_IF_ERROR(WriteState(transaction, job, after, now, order.user));
  effects.changed_jobs.insert(job.id);
  return after;
}

absl::StatusOr<Job> EndAlone(Transaction& transaction, const Job& job, JobState state,
                             const AttemptResult& end, absl::Time now, Effects& effects) {
  if (IsHeld(job.state)) {
    RETURN_IF_ERROR(CloseAttempt(transaction, job, end, now).status());
    AddEnd(job, /*well=*/state == JobState::kSucceeded, end, effects);
  }
  Job after = job;
  after.state = state;
  after.epoch = job.epoch + 1;
  after.reason = state == JobState::kSucceeded ? "" : end.result;
  after.message = end.message;
  after.yield_reason = "";
  after.end_time = now;
  RETURN_IF_ERROR(ChargeRunTime(transaction, end.run_time, now, after));
  RETURN_IF_ERROR(WriteState(transaction, job, after, now, end.user));
  effects.over.push_back(after);
  effects.changed_jobs.insert(job.id);
  return after;
}

absl::StatusOr<Job> EndJob(Transaction& transaction, const Job& job, JobState state,
                           const AttemptResult& end, absl::Time now, Effects& effects) {
  ASSIGN_OR_RETURN(Job after, EndAlone(transaction, job, state, end, now, effects));
  RETURN_IF_ERROR(SettleDependents(transaction, after, now, effects));
  return after;
}

absl::StatusOr<Job> FailAttempt(Transaction& transaction, const Job& job,
                                const AttemptResult& given, Cost cost, absl::Time now,
                                Effects& effects) {
  const AttemptResult end = WithOrder(job, given);
  ASSIGN_OR_RETURN(const Attempt attempt, CloseAttempt(transaction, job, end, now));
  const bool progressed = attempt.last_step > job.furthest_step;
  Job after = job;
  RETURN_IF_ERROR(ChargeRunTime(transaction, end.run_time, now, after));
  after.furthest_step = std::max(job.furthest_step, attempt.last_step);
  const RetryDecision decision = Decide(after, progressed, cost);
  after.budget = decision.budget;
  after.reason = decision.reason.empty() ? end.result : decision.reason;
  after.message = Joined(end.message, decision.message);
  if (MakesAvoid(end.result)) AddAvoided(job.worker_id, after);
  if (end.result == kBadCheckpoint && attempt.resumed_from == job.latest_checkpoint) {
    ASSIGN_OR_RETURN(after.latest_checkpoint, CheckpointBefore(transaction, job));
  }
  MoveOn(decision, now, after, effects);
  if (end.result != kWorkerLost || after.state != JobState::kQueued) ++after.epoch;
  RETURN_IF_ERROR(WriteState(transaction, job, after, now));
  AddEnd(job, progressed && FaultOf(end.result) != Fault::kWorker, end, effects);
  if (IsTerminal(after.state)) RETURN_IF_ERROR(SettleDependents(transaction, after, now, effects));
  return after;
}

}  // namespace tune::server
