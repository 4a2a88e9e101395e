#include "worker/agent/outcome.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/str_cat.h"

namespace tune::worker {
namespace {

using Request = v1::FinishAttemptRequest;

AttemptEnd Retryable(std::string reason, std::string message) {
  return {Request::FAILED_RETRYABLE, std::move(reason), std::move(message)};
}

AttemptEnd Final(std::string reason, std::string message) {
  return {Request::FAILED_FINAL, std::move(reason), std::move(message)};
}

std::string WithLog(std::string what, const std::string& last_log_lines) {
  if (last_log_lines.empty()) return absl::StrCat(what, "; its log is empty");
  return absl::StrCat(what, "; its log ends:\n", last_log_lines);
}

AttemptEnd EndOfCrash(const TrainerEnd& trainer) {
  const int signal = trainer.exit.signal;
  if (signal == SIGKILL) {
    return Retryable("OutOfMemory",
                     WithLog("the trainer was killed (SIGKILL), as the kernel does when memory "
                             "runs out; lower micro_batch_tokens or take a larger worker",
                             trainer.last_log_lines));
  }
  const std::string how =
      signal != 0 ? absl::StrCat("was killed by signal ", signal, " (", strsignal(signal), ")")
                  : absl::StrCat("exited with code ", trainer.exit.code,
                                 " and told neither success nor failure");
  return Retryable("TrainerCrashed", WithLog("the trainer " + how, trainer.last_log_lines));
}

}  // namespace

AttemptEnd EndOf(const TrainerEnd& trainer) {
  if (trainer.finished && trainer.final_committed) return {Request::SUCCEEDED, "", ""};
  if (trainer.failed) {
    const auto& failed = *trainer.failed;
    return failed.retryable() ? Retryable(failed.reason(), failed.message())
                              : Final(failed.reason(), failed.message());
  }
  if (trainer.stop != StopCause::kNone) return EndOfStopped(trainer.stop);
  if (trainer.finished) {
    return Retryable(
        "CheckpointNotRegistered",
        absl::StrCat("the run ended well, but its result is not registered: ",
                     trainer.final_status.ok() ? "the trainer named no final checkpoint"
                                               : trainer.final_status.ToString()));
  }
  return EndOfCrash(trainer);
}

AttemptEnd EndOfPreparation(const absl::Status& status) {
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return Retryable("DiskFull", message);
    case absl::StatusCode::kDataLoss:
      return Retryable("CorruptBlob", message);
    case absl::StatusCode::kNotFound:
      return Final("MissingInput", message);
    case absl::StatusCode::kInvalidArgument:
      return Final("BadLease", message);
    default:
      return Retryable("WorkerError", message);
  }
}

AttemptEnd EndOfStopped(StopCause cause) {
  switch (cause) {
    case StopCause::kTimeLimit:
      return Final("TimeLimit", "the job's time_limit_seconds are used up");
    case StopCause::kReporting:
      return Retryable("ReportRefused",
                       "the scheduler refused the trainer's events; see the worker's log");
    default:
      return Retryable("WorkerDraining", "the worker was stopped");
  }
}

}  // namespace tune::worker
