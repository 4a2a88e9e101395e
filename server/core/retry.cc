#include "server/core/retry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

RetryDecision Over(RetryDecision decision, absl::string_view reason, std::string message) {
  decision.retry = false;
  decision.reason = std::string(reason);
  decision.message = std::move(message);
  return decision;
}

RetryDecision AfterRetry(RetryDecision decision, int64_t retries) {
  decision.delay = RetryDelay(++decision.budget.retries_used);
  if (decision.budget.retries_used <= retries) return decision;
  return Over(std::move(decision), "",
              absl::StrCat("it was the last attempt: all ", retries, " retries are used up"));
}

// The first one is most often a worker's restart, after which there is no need to wait.
RetryDecision AfterDisruption(RetryDecision decision) {
  const int32_t disruptions = ++decision.budget.disruptions;
  decision.delay = disruptions == 1 ? absl::ZeroDuration() : RetryDelay(disruptions - 1);
  if (disruptions <= kMaxDisruptions) return decision;
  return Over(std::move(decision), kDisruptedTooOften,
              absl::StrCat("interrupted ", disruptions, " times in a row without any progress; ",
                           FindReason(kDisruptedTooOften)->next));
}

}  // namespace

RetryDecision DecideRetry(const AttemptHistory& history) {
  RetryDecision decision{
      .retry = true, .budget = history.budget, .delay = {}, .reason = "", .message = ""};
  if (history.progressed) decision.budget.disruptions = 0;
  if (history.cost == Cost::kJob) return Over(std::move(decision), "", "");
  if (history.time_limit > absl::ZeroDuration() && history.run_time >= history.time_limit) {
    return Over(std::move(decision), kTimeLimit,
                absl::StrCat("the time limit of ", absl::FormatDuration(history.time_limit),
                             " is used up (time_limit_seconds)"));
  }
  if (history.cost == Cost::kRetry) return AfterRetry(std::move(decision), history.retries);
  if (history.cost == Cost::kDisruption) return AfterDisruption(std::move(decision));
  return decision;
}

Cost CostOf(absl::string_view reason, bool retryable) {
  if (const Reason* row = FindReason(reason)) return row->cost;
  return retryable ? Cost::kRetry : Cost::kJob;
}

Fault FaultOf(absl::string_view reason) {
  const Reason* row = FindReason(reason);
  return row == nullptr ? Fault::kJob : row->fault;
}

absl::Duration RetryDelay(int64_t costly_ends) {
  const int64_t doublings = std::clamp<int64_t>(costly_ends - 1, 0, 5);
  return std::min(absl::Seconds(1) * (int64_t{1} << doublings), absl::Seconds(30));
}

}  // namespace tune::server
