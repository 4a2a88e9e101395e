#include "server/core/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune::server {
namespace {

AttemptHistory After(Cost cost, Budget budget = {}, int64_t retries = 3) {
  AttemptHistory history;
  history.cost = cost;
  history.retries = retries;
  history.budget = budget;
  return history;
}

// Ends the job as often as it may go on, and counts.
int EndsUntilOver(Cost cost, bool progressed, int most) {
  AttemptHistory history = After(cost);
  history.progressed = progressed;
  for (int ends = 1; ends <= most; ++ends) {
    const RetryDecision decision = DecideRetry(history);
    if (!decision.retry) return ends;
    history.budget = decision.budget;
  }
  return most + 1;
}

TEST(Retry, UntilTheRetriesAreUsedUp) {
  EXPECT_EQ(EndsUntilOver(Cost::kRetry, false, 100), 4);
  const RetryDecision last = DecideRetry(After(Cost::kRetry, {.retries_used = 1}, 1));
  EXPECT_FALSE(last.retry);
  EXPECT_EQ(last.reason, "");
  EXPECT_THAT(last.message, testing::HasSubstr("all 1 retries"));
  EXPECT_FALSE(DecideRetry(After(Cost::kRetry, {}, 0)).retry);
}

TEST(Retry, WhatIsTheWorkersFaultCostsNothing) {
  EXPECT_EQ(EndsUntilOver(Cost::kNothing, false, 1000), 1001);
  const Budget budget{.retries_used = 2, .disruptions = 5};
  EXPECT_EQ(DecideRetry(After(Cost::kNothing, budget)).budget, budget);
}

TEST(Retry, DisruptionsTakeNoRetryAndEndAJobOnlyWithoutProgress) {
  EXPECT_EQ(EndsUntilOver(Cost::kDisruption, false, 100), kMaxDisruptions + 1);
  EXPECT_EQ(EndsUntilOver(Cost::kDisruption, true, 1000), 1001);
  const RetryDecision decision = DecideRetry(After(Cost::kDisruption, {}, /*retries=*/0));
  EXPECT_TRUE(decision.retry);
  EXPECT_EQ(decision.budget, (Budget{.retries_used = 0, .disruptions = 1}));
  const RetryDecision over =
      DecideRetry(After(Cost::kDisruption, {.disruptions = kMaxDisruptions}));
  EXPECT_EQ(over.reason, kDisruptedTooOften);
  EXPECT_THAT(over.message, testing::HasSubstr("without any progress"));
}

TEST(Retry, ProgressGivesDisruptionsBackButNoRetries) {
  AttemptHistory history = After(Cost::kDisruption, {.retries_used = 2, .disruptions = 9});
  history.progressed = true;
  EXPECT_EQ(DecideRetry(history).budget, (Budget{.retries_used = 2, .disruptions = 1}));
}

TEST(Retry, NotWhereItCannotHelp) {
  const RetryDecision decision = DecideRetry(After(Cost::kJob));
  EXPECT_FALSE(decision.retry);
  EXPECT_EQ(decision.message, "");
}

TEST(Retry, NotBeyondTheTimeLimit) {
  AttemptHistory history = After(Cost::kDisruption);
  history.time_limit = absl::Seconds(100);
  history.run_time = absl::Seconds(99);
  EXPECT_TRUE(DecideRetry(history).retry);
  history.run_time = absl::Seconds(100);
  EXPECT_FALSE(DecideRetry(history).retry);
  EXPECT_EQ(DecideRetry(history).reason, kTimeLimit);
  EXPECT_THAT(DecideRetry(history).message, testing::HasSubstr("time_limit_seconds"));
}

TEST(Retry, ANameThatTheTableLacksIsJudgedByTheWorkersWord) {
  EXPECT_EQ(CostOf("SomethingNew", true), Cost::kRetry);
  EXPECT_EQ(CostOf("SomethingNew", false), Cost::kJob);
  EXPECT_EQ(CostOf(kWorkerDraining, false), Cost::kDisruption);
}

TEST(Retry, TheDelayDoublesUpToALimit) {
  EXPECT_EQ(RetryDelay(1), absl::Seconds(1));
  EXPECT_EQ(RetryDelay(2), absl::Seconds(2));
  EXPECT_EQ(RetryDelay(5), absl::Seconds(16));
  EXPECT_EQ(RetryDelay(6), absl::Seconds(30));
  EXPECT_EQ(RetryDelay(1000), absl::Seconds(30));
  EXPECT_EQ(DecideRetry(After(Cost::kDisruption)).delay, absl::ZeroDuration());
  EXPECT_EQ(DecideRetry(After(Cost::kDisruption, {.disruptions = 1})).delay, absl::Seconds(1));
}

}  // namespace
}  // namespace tune::server
