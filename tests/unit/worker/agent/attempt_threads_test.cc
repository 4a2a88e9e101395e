#include "worker/agent/attempt_threads.h"

#include <gtest/gtest.h>

#include <atomic>

#include "worker/agent/flag.h"

namespace tune::worker {
namespace {

class AttemptThreadsTest : public ::testing::Test {
 protected:
  // Goes on until End.
  std::function<void()> Attempt() {
    return [this] {
      end_.WaitFor(absl::InfiniteDuration());
      ++ended_;
    };
  }

  Flag end_;
  std::atomic<int> ended_ = 0;
  std::function<void()> at_once_ = [this] { ++ended_; };
};

TEST_F(AttemptThreadsTest, AttemptsRunAtOnceWhileGpusAreFree) {
  AttemptThreads attempts(3);
  attempts.Start(2, Attempt());
  attempts.AwaitRoom();
  attempts.Start(1, [&] { end_.Raise(); });  // the first waits for it
  attempts.AwaitAll();
  EXPECT_EQ(ended_, 1);
}

TEST_F(AttemptThreadsTest, ThereIsRoomAgainOnceOneHasEnded) {
  AttemptThreads attempts(2);
  attempts.Start(1, Attempt());
  attempts.Start(1, at_once_);
  attempts.AwaitRoom();
  EXPECT_EQ(ended_, 1);
  end_.Raise();
}

TEST_F(AttemptThreadsTest, OneWithoutGpusTakesTheWholeWorker) {
  for (const int64_t gpus : {0, 2}) {
    AttemptThreads attempts(gpus);
    std::thread later([&] { end_.Raise(); });
    attempts.Start(0, Attempt());
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
