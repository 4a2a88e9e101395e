#include "worker/agent/outcome.h"

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/signals.h"
#include "proto/wire/status.h"
#include "run/reason.h"
#include "worker/agent/fetch_error.h"

namespace tune::worker {
namespace {

using Request = v1::FinishAttemptRequest;

// Of a trainer that wrote a checkpoint on SIGTERM or SIGINT, and ended.
constexpr int kStoppedCode = 3;

AttemptEnd Retryable(absl::string_view reason, std::string message) {
  return {Request::FAILED_RETRYABLE, std::string(reason), std::move(message)};
}

AttemptEnd Final(absl::string_view reason, std::string message) {
  return {Request::FAILED_FINAL, std::string(reason), std::move(message)};
}

// What this worker did not do, and the trainer did not do to itself.
AttemptEnd EndOfStoppedTrainer(const ExitStatus& exit) {
  std::string how;
  if (exit.unknown) {
    how =
        "ended and told neither success nor failure; how is not known, for its worker had "
        "started anew meanwhile";
  } else if (exit.signal == 0) {
    how = "was stopped by a signal that its worker did not send, and wrote a checkpoint";
  } else {
    how = absl::StrCat("was ended by ", SignalText(exit.signal),
                       ", which its worker did not send; the kernel counts no process ended for "
                       "lack of memory");
  }
  return Retryable(kTrainerStopped, "the trainer " + how);
}

AttemptEnd EndOfCrash(const TrainerEnd& trainer) {
  const ExitStatus& exit = trainer.exit;
  if (exit.signal == SIGKILL && trainer.out_of_memory) {
    return Retryable(kOutOfMemory, "the kernel ended the trainer for lack of memory");
  }
  if (exit.unknown || EndsByOrder(exit.signal) || exit == ExitStatus{.code = kStoppedCode}) {
    return EndOfStoppedTrainer(exit);
  }
  const std::string how = exit.signal != 0 ? "was ended by " + SignalText(exit.signal)
                                           : absl::StrCat("exited with code ", exit.code);
  // The host may be what keeps it from starting, and the job has not run: it costs no retry.
  if (trainer.silent) {
    return Retryable(kTrainerDiedAtStart,
                     absl::StrCat("the trainer ", how, " before it told anything"));
  }
  if (exit == ExitStatus()) {
    return Retryable(kRunFolderLost,
                     "the trainer ended well, but events.jsonl does not say so: somebody removed "
                     "or cut it");
  }
  return Retryable(kTrainerCrashed,
                   absl::StrCat("the trainer ", how,
                                exit.signal != 0 ? "" : " and told neither success nor failure"));
}

// Whether a file that is gone may be why the trainer failed so: all but what it judges by numbers.
bool MayLackAFile(const v1::TrainingEvent::Failed& failed) {
  const Reason* reason = FindReason(failed.reason());
  const bool given = reason != nullptr && reason->fault == Fault::kData;
  return failed.retryable() || given || failed.reason() == kBadSpec;
}

// What follows from our own SIGKILL, as that a rank looks lost to the first, or from a run folder
// of which something is gone.
bool TellsOfOurDoing(const TrainerEnd& trainer) {
  if (trainer.stop == StopCause::kFolderLost) return MayLackAFile(*trainer.failed);
  return trainer.killed_by_us && trainer.failed->retryable();
}

}  // namespace

AttemptEnd EndOf(const TrainerEnd& trainer) {
  if (trainer.finished && trainer.final_committed) return {Request::SUCCEEDED, "", ""};
  if (trainer.failed && !TellsOfOurDoing(trainer)) {
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
  if (trainer.alone) {
    return Retryable(kWorkerDraining,
                     "its worker was away, and its trainer has ended meanwhile; it goes on from "
                     "its last checkpoint");
  }
  return EndOfCrash(trainer);
}

namespace {

// What went wrong on this host, before or after what was fetched.
AttemptEnd EndOfOwnPreparation(const absl::Status& status) {
  const std::string message(status.message());
  if (absl::IsResourceExhausted(status)) return Retryable(kDiskFull, message);
  if (absl::IsInvalidArgument(status)) return Retryable(kBadLease, message);
  return EndOfUnfitWorker(status);
}

}  // namespace

AttemptEnd EndOfPreparation(const absl::Status& status) {
  if (!IsFetchError(status)) return EndOfOwnPreparation(status);
  const std::string message(status.message());
  if (ReasonOf(status) == kOverloaded) return Retryable(kDownloadFailed, message);
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return Retryable(kDiskFull, message);
    case absl::StatusCode::kDataLoss:
      return Retryable(kCorruptBlob, message);
    case absl::StatusCode::kNotFound:
      return Retryable(kMissingInput, message);
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return Retryable(kBadLease, message);
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kAlreadyExists:
      return EndOfUnfitWorker(status);
    default:
      return Retryable(kDownloadFailed, message);
  }
}

AttemptEnd EndOfUnfitWorker(const absl::Status& found) {
  return Retryable(kWorkerUnfit, std::string(found.message()));
}

AttemptEnd EndOfStopped(StopCause cause) {
  switch (cause) {
    case StopCause::kYielding:
      return Retryable(kYielded, "the scheduler asked for the job back");
    case StopCause::kTimeLimit:
      return Final(kTimeLimit, "the job's time_limit_seconds are used up");
    case StopCause::kReporting:
      return Retryable(kReportRefused,
                       "the scheduler refused the trainer's events; see the worker's log");
    case StopCause::kFolderLost:
      return Retryable(kRunFolderLost,
                       "the run folder, or a part of it, was removed while the run went on; "
                       "the worker's log names it");
    case StopCause::kLeaseEnded:
      return Retryable(kWorkerLost, "its lease has ended");
    default:
      return Retryable(kWorkerDraining, "the worker was stopped");
  }
}

}  // namespace tune::worker
