#include "server/engine/cancel.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "base/utf8.h"
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
  return errors.ToStatus("cancel");
}

}  // namespace

Cancel::Cancel(Store& store, Clock& clock, Leases& leases, Signal& work, EventHub& hub,
               EngineObserver& observer)
    : store_(store), clock_(clock), leases_(leases), work_(work), hub_(hub), observer_(observer) {}

absl::StatusOr<Job> Cancel::CancelJob(const std::string& job_id, const std::string& reason) {
  RETURN_IF_ERROR(CheckReason(reason));
  Job before, after;
  RETURN_IF_ERROR(store_.Write([&](Transaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(before, transaction.GetJob(job_id));
    after = before;
    if (before.state == JobState::kCancelled) return absl::OkStatus();
    if (IsTerminal(before.state)) return Over(before);
    ASSIGN_OR_RETURN(
        after, EndJob(transaction, before, JobState::kCancelled,
                      {"Cancelled", std::string(CutUtf8(reason, kMaxReasonBytes))}, clock_.Now()));
    return absl::OkStatus();
  }));
  if (before.state == JobState::kCancelled) return after;
  leases_.Ended({job_id, before.epoch});
  ObserveEnd(after, observer_);
  hub_.Notify(job_id);
  work_.Notify();
  return after;
}

}  // namespace tune::server
