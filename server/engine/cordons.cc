#include "server/engine/cordons.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/log.h"
#include "base/status.h"
#include "run/reason.h"
#include "server/core/text.h"
#include "server/engine/attempts.h"

namespace tune::server {
namespace {

constexpr size_t kMaxReasonBytes = 1024;

absl::Status CheckReason(const std::string& reason) {
  FieldErrors errors;
  CheckShortText("reason", reason, kMaxReasonBytes, errors);
  return errors.ToStatus("cordon");
}

// One that a person pauses is let go of already.
absl::Status AskForJobs(Transaction& transaction, const CordonOrder& order, absl::Time now,
                        Effects& effects) {
  ASSIGN_OR_RETURN(const std::vector<Job> held, transaction.HeldJobs(order.worker_id));
  const std::string message = absl::StrCat("workers/", order.worker_id, " is drained",
                                           order.reason.empty() ? "" : ": ", order.reason);
  for (const Job& job : held) {
    if (!job.yield_reason.empty()) continue;
    const YieldOrder yield{kWorkerDraining, kWorkerDraining, message, order.user};
    RETURN_IF_ERROR(AskToYield(transaction, job, yield, now, effects).status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WorkerRecord> Cordons::Cordon(const CordonOrder& order) {
  RETURN_IF_ERROR(CheckReason(order.reason));
  WorkerRecord worker;
  const auto change = [&](Transaction& transaction, Effects& effects) -> absl::Status {
    const absl::Time now = clock_.Now();
    RETURN_IF_ERROR(transaction.GetWorker(order.worker_id).status());
    RETURN_IF_ERROR(transaction.PutCordon(order.worker_id, {order.user, order.reason, now}));
    if (order.yield) RETURN_IF_ERROR(AskForJobs(transaction, order, now, effects));
    ASSIGN_OR_RETURN(worker, transaction.GetWorker(order.worker_id));
    effects.fleet_shrank = true;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(order.validate_only ? commits_.Rehearse(change) : commits_.Run(change));
  liveness_.Complete(worker);
  return worker;
}

absl::Status Cordons::Uncordon(const CordonOrder& order) {
  const auto change = [&](Transaction& transaction, Effects&) -> absl::Status {
    ASSIGN_OR_RETURN(const bool was_there, transaction.DeleteCordon(order.worker_id));
    return was_there ? absl::OkStatus() : transaction.GetWorker(order.worker_id).status();
  };
  if (order.validate_only) return commits_.Rehearse(change);
  RETURN_IF_ERROR(commits_.Run(change));
  waiters_.Wake(order.worker_id);
  return absl::OkStatus();
}

}  // namespace tune::server
