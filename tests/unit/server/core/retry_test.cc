#include "server/core/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune::server {
namespace {

AttemptHistory History(int64_t attempts_used, int64_t retries) {
  AttemptHistory history;
  history.attempts_used = attempts_used;
  history.retries = retries;
  history.retryable = true;
  return history;
}

TEST(Retry, UntilTheRetriesAreUsedUp) {
  EXPECT_TRUE(DecideRetry(History(1, 1)).retry);
  const RetryDecision last = DecideRetry(History(2, 1));
  EXPECT_FALSE(last.retry);
  EXPECT_EQ(last.reason, "");
  EXPECT_THAT(last.message, testing::HasSubstr("attempt 2 of 2"));
  EXPECT_FALSE(DecideRetry(History(1, 0)).retry);
}

TEST(Retry, NotWhereItCannotHelp) {
  AttemptHistory history = History(1, 3);
  history.retryable = false;
  EXPECT_FALSE(DecideRetry(history).retry);
  EXPECT_EQ(DecideRetry(history).message, "");
}

TEST(Retry, NotBeyondTheTimeLimit) {
  AttemptHistory history = History(1, 3);
  history.time_limit = absl::Seconds(100);
  history.elapsed = absl::Seconds(99);
  EXPECT_TRUE(DecideRetry(history).retry);
  history.elapsed = absl::Seconds(100);
  EXPECT_FALSE(DecideRetry(history).retry);
  EXPECT_EQ(DecideRetry(history).reason, "TimeLimit");
  EXPECT_THAT(DecideRetry(history).message, testing::HasSubstr("time_limit_seconds"));
}

TEST(Retry, TheDelayDoublesUpToALimit) {
  EXPECT_EQ(RetryDelay(1), absl::Seconds(1));
  EXPECT_EQ(RetryDelay(2), absl::Seconds(2));
  EXPECT_EQ(RetryDelay(5), absl::Seconds(16));
  EXPECT_EQ(RetryDelay(6), absl::Seconds(30));
  EXPECT_EQ(RetryDelay(1000), absl::Seconds(30));
}

}  // namespace
}  // namespace tune::server
