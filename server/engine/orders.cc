#include "server/engine/orders.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "run/reason.h"
#include "server/core/text.h"
#include "server/engine/attempts.h"
#include "server/engine/dependencies.h"
#include "server/engine/known_inputs.h"

namespace tune::server {
namespace {

constexpr size_t kMaxReasonBytes = 1024;
constexpr size_t kMaxRequestIdBytes = 128;
// Of a job whose worker has not let go of it yet.
constexpr char kPausing[] = "Pausing";

absl::Status CheckOrder(const char* kind, const Order& order) {
  FieldErrors errors;
  CheckShortText("reason", order.reason, kMaxReasonBytes, errors);
  CheckShortText("request_id", order.request_id, kMaxRequestIdBytes, errors);
  return errors.ToStatus(kind);
}

absl::Status Over(const Job& job, absl::string_view next) {
  return absl::FailedPreconditionError(
      absl::StrCat("jobs/", job.id, " is over already: ", JobStateName(job.state), next));
}

// Whether the order was heard before. Else it is noted.
absl::StatusOr<bool> IsRepeat(Transaction& transaction, const char* kind, const Order& order) {
  if (order.request_id.empty()) return false;
  ASSIGN_OR_RETURN(const auto earlier, transaction.FindOrder(order.request_id));
  if (!earlier) {
    RETURN_IF_ERROR(transaction.InsertOrder(order.request_id, {order.job_id, kind}));
    return false;
  }
  if (earlier->job_id == order.job_id && earlier->kind == kind) return true;
  return absl::AlreadyExistsError(absl::StrCat("request_id ", order.request_id, " was used to ",
                                               earlier->kind, " jobs/", earlier->job_id,
                                               "; use a new one"));
}

// The job waits for a worker from now on, where it stood in the queue.
Job Requeued(const Job& job, const Order& order, absl::Time now, Effects& effects) {
  Job after = job;
  after.state = JobState::kQueued;
  after.epoch = job.epoch + 1;
  after.reason = "";
  after.message = order.reason;
  after.queue_time = now;
  after.end_time = absl::InfinitePast();
  after.retry_delay = absl::ZeroDuration();
  effects.requeued.push_back(after);
  return after;
}

// A job that no worker holds stands still from now on.
Job PausedAtOnce(const Job& job, const Order& order) {
  Job after = job;
  after.state = JobState::kPaused;
  after.epoch = job.epoch + 1;
  after.reason = std::string(kPaused);
  after.message = order.reason;
  after.retry_delay = absl::ZeroDuration();
  return after;
}

// What the job has used up is given back.
void GrantAnew(Job& job) {
  job.budget = {};
  job.run_time = absl::ZeroDuration();
  job.avoids.clear();
}

}  // namespace

Orders::Orders(BlobStore& blobs, Commits& commits, Clock& clock, Liveness& liveness)
    : blobs_(blobs), commits_(commits), clock_(clock), liveness_(liveness) {}

absl::StatusOr<Job> Orders::Execute(const char* kind, const Order& order, Execution execution) {
  RETURN_IF_ERROR(CheckOrder(kind, order));
  Job after;
  const auto change = [&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, transaction.GetJob(order.job_id));
    after = job;
    ASSIGN_OR_RETURN(const bool repeat, IsRepeat(transaction, kind, order));
    if (repeat) return absl::OkStatus();
    ASSIGN_OR_RETURN(after, execution(transaction, job, effects));
    effects.changed_jobs.insert(job.id);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(order.validate_only ? commits_.Rehearse(change) : commits_.Run(change));
  return after;
}

absl::StatusOr<Job> Orders::Cancel(const Order& order) {
  const auto cancel = [&](Transaction& transaction, const Job& job,
                          Effects& effects) -> absl::StatusOr<Job> {
    if (job.state == JobState::kCancelled) return job;
    if (IsTerminal(job.state)) return Over(job, "");
    const AttemptResult end{std::string(kCancelled), order.reason,
                            TakeRunTime(liveness_, {job.id, job.epoch}, effects), order.user};
    return EndJob(transaction, job, JobState::kCancelled, end, clock_.Now(), effects);
  };
  return Execute("cancel", order, cancel);
}

absl::StatusOr<Job> Orders::Pause(const Order& order) {
  const auto pause = [&](Transaction& transaction, const Job& job,
                         Effects& effects) -> absl::StatusOr<Job> {
    if (job.state == JobState::kPaused || job.yield_reason == kPaused) return job;
    if (IsTerminal(job.state)) return Over(job, "");
    if (IsHeld(job.state)) {
      const YieldOrder yield{kPaused, kPausing, order.reason, order.user};
      return AskToYield(transaction, job, yield, clock_.Now(), effects);
    }
    const Job after = PausedAtOnce(job, order);
    RETURN_IF_ERROR(WriteState(transaction, job, after, clock_.Now(), order.user));
    return after;
  };
  return Execute("pause", order, pause);
}

absl::StatusOr<Job> Orders::Resume(const Order& order) {
  const auto resume = [&](Transaction& transaction, const Job& job,
                          Effects& effects) -> absl::StatusOr<Job> {
    if (IsTerminal(job.state)) return Over(job, absl::StrCat("; tunectl retry ", job.id));
    const absl::Time now = clock_.Now();
    if (job.yield_reason == kPaused) {
      return AskToYield(transaction, job, {"", "", order.reason, order.user}, now, effects);
    }
    if (job.state != JobState::kPaused) {
      return absl::FailedPreconditionError(
          absl::StrCat("jobs/", job.id, " is not paused, it is ", JobStateName(job.state)));
    }
    const Job after = Requeued(job, order, now, effects);
    RETURN_IF_ERROR(WriteState(transaction, job, after, now, order.user));
    return after;
  };
  return Execute("resume", order, resume);
}

absl::StatusOr<Job> Orders::Retry(const Order& order) {
  const auto retry = [&](Transaction& transaction, const Job& job,
                         Effects& effects) -> absl::StatusOr<Job> {
    if (job.state == JobState::kSucceeded) return Over(job, "; submit a new job");
    if (!IsTerminal(job.state)) {
      return absl::FailedPreconditionError(
          absl::StrCat("jobs/", job.id, " is not over, it is ", JobStateName(job.state)));
    }
    if (!job.unreadable.empty()) return absl::FailedPreconditionError(job.unreadable);
    RETURN_IF_ERROR(CheckDependencies(transaction, job));
    ASSIGN_OR_RETURN(const KnownInputs known, ReadInputs(transaction, blobs_, job.spec));
    RETURN_IF_ERROR(ValidateSpec(job.spec, known));
    const absl::Time now = clock_.Now();
    Job after = Requeued(job, order, now, effects);
    GrantAnew(after);
    RETURN_IF_ERROR(WriteState(transaction, job, after, now, order.user));
    return after;
  };
  return Execute("retry", order, retry);
}

}  // namespace tune::server
