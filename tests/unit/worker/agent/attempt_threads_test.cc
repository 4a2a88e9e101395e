#include "worker/agent/attempt_threads.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace tune::worker {
namespace {

class AttemptThreadsTest : public ::testing::Test {
 protected:
  std::function<void()> UntilNotified(const absl::Notification& end) {
    return [this, &end] {
      end.WaitForNotification();
      ++ended_;
    };
  }

  std::atomic<int> ended_ = 0;
  std::function<void()> at_once_ = [this] { ++ended_; };
};

TEST_F(AttemptThreadsTest, AttemptsRunAtOnceWhileGpusAreFree) {
  absl::Notification end;
  AttemptThreads attempts(3);
  attempts.Start(2, UntilNotified(end));
  attempts.AwaitRoom();
  attempts.Start(1, [&] { end.Notify(); });  // the first waits for it
  attempts.AwaitAll();
  EXPECT_EQ(ended_, 1);
}

TEST_F(AttemptThreadsTest, ThereIsRoomAgainOnceOneHasEnded) {
  absl::Notification end;
  AttemptThreads attempts(2);
  attempts.Start(1, UntilNotified(end));
  attempts.Start(1, at_once_);
  attempts.AwaitRoom();
  EXPECT_EQ(ended_, 1);
  end.Notify();
}

TEST_F(AttemptThreadsTest, OneWithoutGpusTakesTheWholeWorker) {
  for (const int64_t gpus : {0, 2}) {
    absl::Notification end;
    AttemptThreads attempts(gpus);
    std::thread later([&] { end.Notify(); });
    attempts.Start(0, UntilNotified(end));
    attempts.AwaitRoom();
    EXPECT_GE(ended_, 1) << gpus;
    later.join();
  }
}

TEST_F(AttemptThreadsTest, DestructionWaits) {
  {
    AttemptThreads attempts(2);
    attempts.Start(1, at_once_);
    attempts.Start(1, at_once_);
  }
  EXPECT_EQ(ended_, 2);
}

}  // namespace
}  // namespace tune::worker
