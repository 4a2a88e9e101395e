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

// `status` with `reason`, unless it is OK, has a reason, or tells of a full disk.
absl::Status WithReason(const absl::Status& status, absl::string_view reason);

// What to report of a status that is not OK. Without a reason of its own a
// RESOURCE_EXHAUSTED status, which base/files.h makes of ENOSPC, is DiskFull, any other
// Internal.
Failure FailureOf(const absl::Status& status);

// Runs `body`; exceptions of LibTorch and the standard library become a Status: RankLost,
// OutOfMemory where an allocation failed, Internal for others.
absl::Status CatchExceptions(const std::function<absl::Status()>& body);

}  // namespace tune::trainer
