// Why a run failed, as its `failed` event tells it. A reason rides on a Status as a
// payload, so that it survives Annotate and RETURN_IF_ERROR.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "run/reason.h"

namespace tune::trainer {

struct Failure {
  std::string reason;
  std::string message;
  bool retryable;
};

// Another process of the run has ended; why is its own to tell.
struct RankLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A failed status with this reason (run/reason.h).
absl::Status Fail(absl::string_view reason, absl::string_view message);

// `status`, of reading what the run was given, with `reason` where its content is to blame
// (base/content_error.h) and the status has no reason yet.
absl::Status WithReason(const absl::Status& status, absl::string_view reason);

// What to report of a status that is not OK. One without a reason of its own is judged by its
// code, which base/files.h makes of an errno: a full disk is DiskFull, a missing file
// RunFolderLost, what else keeps this host from its files WorkerUnfit; any other code is Internal.
Failure FailureOf(const absl::Status& status);

// Runs `body`; exceptions of LibTorch and the standard library become a Status: RankLost,
// OutOfMemory where an allocation failed, Internal for others.
absl::Status CatchExceptions(const std::function<absl::Status()>& body);

}  // namespace tune::trainer
