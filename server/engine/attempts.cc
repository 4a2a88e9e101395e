#include "server/engine/attempts.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/core/errors.h"
#include "server/core/retry.h"

namespace tune::server {
namespace {

JobEvent StateEvent(const Job& job, absl::Time now) {
  JobEvent event;
  event.kind = JobEvent::Kind::kStateChange;
  event.time = now;
  event.attempt = job.attempts_used;
  event.state = job.state;
  event.reason = job.reason;
  event.message = job.message;
  event.worker_id = job.worker_id;
  return event;
}

absl::Status CloseAttempt(Transaction& transaction, const Job& job, const AttemptResult& end,
                          absl::Time now) {
  if (!IsHeld(job.state)) return absl::OkStatus();
  ASSIGN_OR_RETURN(Attempt attempt, transaction.GetAttempt(job.id, job.attempts_used));
  attempt.end_time = now;
  attempt.result = end.result;
  attempt.message = end.message;
  return transaction.UpdateAttempt(job.id, attempt);
}

RetryDecision Decide(const Job& job, bool retryable, absl::Time now) {
  AttemptHistory history;
  history.attempts_used = job.attempts_used;
  history.retries = job.spec.retries;
  history.retryable = retryable;
  history.elapsed = now - job.start_time;
  history.time_limit = absl::Seconds(job.spec.time_limit_seconds);
  return DecideRetry(history);
}

std::string Joined(const std::string& message, const std::string& more) {
  if (message.empty() || more.empty()) return message + more;
  return absl::StrCat(message, "; ", more);
}

}  // namespace

absl::StatusOr<Job> GetHeldJob(Reader& reader, const LeaseKey& key) {
  ASSIGN_OR_RETURN(Job job, reader.GetJob(key.job_id));
  if (job.epoch != key.epoch || !IsHeld(job.state)) return StaleEpoch(key);
  return job;
}

absl::Status WriteState(Transaction& transaction, const Job& before, const Job& after,
                        absl::Time now) {
  RETURN_IF_ERROR(transaction.UpdateJob(before, after));
  return transaction.AppendEvent(after.id, StateEvent(after, now)).status();
}

absl::StatusOr<Job> EndJob(Transaction& transaction, const Job& job, JobState state,
                           const AttemptResult& end, absl::Time now) {
  RETURN_IF_ERROR(CloseAttempt(transaction, job, end, now));
  Job after = job;
  after.state = state;
  after.epoch = job.epoch + 1;
  after.reason = state == JobState::kSucceeded ? "" : end.result;
  after.message = end.message;
  after.end_time = now;
  RETURN_IF_ERROR(WriteState(transaction, job, after, now));
  return after;
}

absl::StatusOr<Job> FailAttempt(Transaction& transaction, const Job& job, const AttemptResult& end,
                                bool retryable, absl::Duration delay, absl::Time now) {
  RETURN_IF_ERROR(CloseAttempt(transaction, job, end, now));
  const RetryDecision decision = Decide(job, retryable, now);
  Job after = job;
  after.epoch = job.epoch + 1;
  after.reason = decision.reason.empty() ? end.result : decision.reason;
  after.message = Joined(end.message, decision.message);
  if (decision.retry) {
    after.state = JobState::kQueued;
    after.queue_time = now;
    after.not_before = delay > absl::ZeroDuration() ? now + delay : absl::InfinitePast();
  } else {
    after.state = JobState::kFailed;
    after.end_time = now;
  }
  RETURN_IF_ERROR(WriteState(transaction, job, after, now));
  return after;
}

void ObserveEnd(const Job& job, EngineObserver& observer) {
  if (!IsTerminal(job.state)) return;
  const bool ran = job.start_time != absl::InfinitePast();
  observer.JobFinished(job.state, ran ? job.end_time - job.start_time : absl::ZeroDuration());
}

}  // namespace tune::server
