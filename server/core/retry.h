// Whether a job goes on after an attempt that ended without success.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace tune::server {

struct AttemptHistory {
  int64_t attempts_used = 0;  // the ended one counted
  int64_t retries = 0;        // of the spec: attempts beyond the first
  bool retryable = false;
  absl::Duration elapsed;     // since the first attempt began
  absl::Duration time_limit;  // zero: none
};

struct RetryDecision {
  bool retry = false;
  // Why not: "" (the attempt's own reason stands), or TimeLimit.
  std::string reason;
  std::string message;  // for people, to follow the attempt's message; "" where none
};

RetryDecision DecideRetry(const AttemptHistory& history);

// How long a job waits after its n-th failed attempt (from 1): 1, 2, 4 … 30 s, so that one
// that fails at once does not use up its retries on a fault that is about to pass.
absl::Duration RetryDelay(int64_t attempts_used);

}  // namespace tune::server
