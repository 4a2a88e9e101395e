#include "server/engine/cancel.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "server/core/text.h"
#include "server/engine/attempts.h"

namespace tune::server {
namespace {

constexpr size_t kMaxReasonBytes = 1024;

absl::Status Over(const Job& job) {
  return absl::FailedPreconditionError(
      absl::StrCat("jobs/", job.id, " is over already: ", JobStateName(job.state)));
}

absl::Status CheckReason(const std::string& reason) {
  FieldErrors errors;
  CheckText("reason", reason, errors);
  if (reason.size() > kMaxReasonBytes) {
    errors.Add("reason",
               absl::StrCat("must be at most ", kMaxReasonBytes, " bytes, got ", reason.size()));
  }
  return errors.ToStatus("cancel");
}

}  // namespace

Cancel::Cancel(Commits& commits, Clock& clock, Liveness& liveness)
    : commits_(commits), clock_(clock), liveness_(liveness) {}

absl::StatusOr<Job> Cancel::CancelJob(const std::string& job_id, const std::string& reason) {
  RETURN_IF_ERROR(CheckReason(reason));
  Job after;
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, transaction.GetJob(job_id));
    after = job;
    if (job.state == JobState::kCancelled) return absl::OkStatus();
    if (IsTerminal(job.state)) return Over(job);
    const AttemptResult end{std::string(kCancelled), reason,
                            TakeRunTime(liveness_, {job.id, job.epoch}, effects)};
    ASSIGN_OR_RETURN(after,
                     EndJob(transaction, job, JobState::kCancelled, end, clock_.Now(), effects));
    return absl::OkStatus();
  }));
  return after;
}

}  // namespace tune::server
