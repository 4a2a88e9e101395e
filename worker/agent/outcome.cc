#include "worker/agent/outcome.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "run/reason.h"

namespace tune::worker {
namespace {

using Request = v1::FinishAttemptRequest;

AttemptEnd Retryable(absl::string_view reason, std::string message) {
  return {Request::FAILED_RETRYABLE, std::string(reason), std::move(message)};
}

AttemptEnd Final(absl::string_view reason, std::string message) {
  return {Request::FAILED_FINAL, std::string(reason), std::move(message)};
}

std::string HowItEnded(const ExitStatus& exit) {
  if (exit.unknown) {
    return "ended and told neither success nor failure; how is not known, for its worker had "
           "started anew meanwhile";
  }
  if (exit.signal == SIGKILL) {
    return "was killed by somebody (SIGKILL); the kernel counts no process ended for lack of "
           "memory";
  }
  if (exit.signal != 0) {
    return absl::StrCat("was ended by signal ", exit.signal, " (", strsignal(exit.signal), ")");
  }
  return absl::StrCat("exited with code ", exit.code, " and told neither success nor failure");
}

AttemptEnd EndOfCrash(const TrainerEnd& trainer) {
  if (trainer.exit.signal == SIGKILL && trainer.out_of_memory) {
    return Retryable(kOutOfMemory, "the kernel ended the trainer for lack of memory");
  }
  return Retryable(kTrainerCrashed, "the trainer " + HowItEnded(trainer.exit));
}

// A rank that our own SIGKILL ended before the first may look lost to it.
bool TellsOfOurKill(const TrainerEnd& trainer) {
  return trainer.killed_by_us && trainer.failed->retryable();
}

}  // namespace

AttemptEnd EndOf(const TrainerEnd& trainer) {
  if (trainer.finished && trainer.final_committed) return {Request::SUCCEEDED, "", ""};
  if (trainer.failed && !TellsOfOurKill(trainer)) {
    const auto& failed = *trainer.failed;
    return failed.retryable() ? Retryable(failed.reason(), failed.message())
                              : Final(failed.reason(), failed.message());
  }
  if (trainer.stop != StopCause::kNone) return EndOfStopped(trainer.stop);
  if (trainer.finished) {
    return Retryable(
        kCheckpointNotRegistered,
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
      return Retryable(kDiskFull, message);
    case absl::StatusCode::kDataLoss:
      return Retryable(kCorruptBlob, message);
    case absl::StatusCode::kNotFound:
      return Retryable(kMissingInput, message);
    case absl::StatusCode::kInvalidArgument:
      return Retryable(kBadLease, message);
    default:
      return Retryable(kInternal, message);
  }
}

AttemptEnd EndOfUnfitWorker(const absl::Status& found) {
  return Retryable(kWorkerUnfit, std::string(found.message()));
}

AttemptEnd EndOfStopped(StopCause cause) {
  switch (cause) {
    case StopCause::kTimeLimit:
      return Final(kTimeLimit, "the job's time_limit_seconds are used up");
    case StopCause::kReporting:
      return Retryable(kReportRefused,
                       "the scheduler refused the trainer's events; see the worker's log");
    case StopCause::kLeaseEnded:
      return Retryable(kWorkerLost, "its lease has ended");
    default:
      return Retryable(kWorkerDraining, "the worker was stopped");
  }
}

}  // namespace tune::worker
