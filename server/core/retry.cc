#include "server/core/retry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tune::server {

RetryDecision DecideRetry(const AttemptHistory& history) {
  if (!history.retryable) return {};
  if (history.time_limit > absl::ZeroDuration() && history.elapsed >= history.time_limit) {
    return {false, "TimeLimit",
            absl::StrCat("the time limit of ", absl::FormatDuration(history.time_limit),
                         " is used up (time_limit_seconds)")};
  }
  if (history.attempts_used > history.retries) {
    return {false, "",
            absl::StrCat("attempt ", history.attempts_used, " of ", history.retries + 1,
                         ", the last one (retries)")};
  }
  return {true, "", ""};
}

absl::Duration RetryDelay(int64_t attempts_used) {
  const int64_t doublings = std::clamp<int64_t>(attempts_used - 1, 0, 5);
  return std::min(absl::Seconds(1) * (int64_t{1} << doublings), absl::Seconds(30));
}

}  // namespace tune::server
