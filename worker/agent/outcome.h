// How an attempt ended, told from what its trainer left. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/process.h"
#include "worker/agent/stop_signal.h"

namespace tune::worker {

struct AttemptEnd {
  v1::FinishAttemptRequest::Outcome outcome = v1::FinishAttemptRequest::FAILED_RETRYABLE;
  std::string reason;  // a name of run/reason.h, or the trainer's own; "" for success
  std::string message;

  bool operator==(const AttemptEnd&) const = default;
};

struct TrainerEnd {
  ExitStatus exit = {};
  bool killed_by_us = false;   // by SIGKILL
  bool alone = false;          // it ended while no worker was there
  bool out_of_memory = false;  // the kernel ended a process for lack of memory meanwhile
  bool silent = false;         // it wrote no event at all
  bool finished = false;       // it wrote a `finished` event
  std::optional<v1::TrainingEvent::Failed> failed = {};  // it wrote a `failed` event
  StopCause stop = StopCause::kNone;
  bool final_committed = false;
  absl::Status final_status = {};  // why not
};

AttemptEnd EndOf(const TrainerEnd& trainer);

// Of a run that could not be made ready. What the network or the scheduler did in a fetch
// (fetch_error.h) costs the job nothing. All else is the worker's, as are a certificate that the
// scheduler refuses, and a file that this worker may not touch.
AttemptEnd EndOfPreparation(const absl::Status& status);
// Of one whose worker is to blame: `found` says what it found wrong with itself.
AttemptEnd EndOfUnfitWorker(const absl::Status& found);
// Of one stopped before its trainer started.
AttemptEnd EndOfStopped(StopCause cause);

}  // namespace tune::worker
