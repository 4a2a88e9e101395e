// What the end of an attempt means for its job: pure functions of its reason's cost
// (run/reason.h) and of what the job has left.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "run/reason.h"

namespace tune::server {

// Ends in a row that were not the job's fault, and between which it made no progress: then
// it is the job that makes its workers go away.
inline constexpr int32_t kMaxDisruptions = 20;

// How many ends of which kind a job has had.
struct Budget {
  int32_t retries_used = 0;  // of the spec's `retries`
  int32_t disruptions = 0;   // since it last made progress

  bool operator==(const Budget&) const = default;
};

struct AttemptHistory {
  Cost cost = Cost::kRetry;   // of the attempt that has ended
  bool progressed = false;    // it came further than every attempt before it
  int64_t retries = 0;        // of the spec
  Budget budget;              // before this end
  absl::Duration run_time;    // that all attempts have used, this one too
  absl::Duration time_limit;  // zero: none
};

struct RetryDecision {
  bool retry = false;
  Budget budget;         // after this end
  absl::Duration delay;  // before the next attempt
  std::string reason;    // why not: "" (the attempt's own reason stands), or one of run/reason.h
  std::string message;   // for people, to follow the attempt's message; "" where none
};

RetryDecision DecideRetry(const AttemptHistory& history);

// The cost of an end by its reason; where the table lacks the name, as one of a newer
// program, by whether the worker calls it retryable.
Cost CostOf(absl::string_view reason, bool retryable);

// Whose fault an end was, by its reason; where the table lacks the name, the job's.
Fault FaultOf(absl::string_view reason);

// How long a job waits after its n-th costly end (from 1): 1, 2, 4 … 30 s, so that one that
// fails at once does not use up what it has left on a fault that is about to pass.
absl::Duration RetryDelay(int64_t costly_ends);

}  // namespace tune::server
