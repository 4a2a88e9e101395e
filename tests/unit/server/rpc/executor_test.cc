#include "server/rpc/executor.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace tune::server {
namespace {

TEST(ExecutorTest, RunsTasksOnSeveralThreads) {
  Executor executor(2, 8);
  absl::BlockingCounter both(2);  // each task waits for the other one
  absl::BlockingCounter done(2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(executor.TrySubmit([&] {
      both.DecrementCount();
      done.DecrementCount();
    }));
  }
  both.Wait();
  done.Wait();
}

TEST(ExecutorTest, TurnsNewCallsAwayWhenFullButNotSteps) {
  absl::Notification begun, go;
  std::atomic<int> steps = 0;
  {
    Executor executor(1, 1);
    ASSERT_TRUE(executor.TrySubmit([&] {
      begun.Notify();
      go.WaitForNotification();
    }));
    begun.WaitForNotification();
    EXPECT_TRUE(executor.TrySubmit([] {}));
    EXPECT_FALSE(executor.TrySubmit([&] { steps += 100; }));
    executor.SubmitStep([&] { ++steps; });
    go.Notify();
  }
  EXPECT_EQ(steps, 1) << "what is queued runs before the end";
}

}  // namespace
}  // namespace tune::server
