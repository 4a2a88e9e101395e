#include "worker/trainer/run/orphan_watch.h"

#include <gtest/gtest.h>

#include "tests/support/virtual_clock.h"
#include "tiny_folder.h"

namespace tune::trainer {
namespace {

class OrphanJudgeTest : public testing::Test {
 protected:
  bool LooksFor(absl::Duration time) {
    bool orphan = false;
    for (absl::Duration t; t < time; t += absl::Seconds(1)) {
      clock_.Advance(absl::Seconds(1));
      orphan = judge_.IsOrphan();
    }
    return orphan;
  }
  std::unique_ptr<FileLock> Hold() { return FileLock::Acquire(lock_.path).value(); }

  const ScratchFolder scratch_;
  const WorkerLock lock_{scratch_ / "lock", absl::Seconds(60)};
  VirtualClock clock_;
  OrphanJudge judge_{lock_, &clock_};
};

TEST_F(OrphanJudgeTest, NotWhileTheWorkerHoldsItsLock) {
  const auto held = Hold();
  EXPECT_FALSE(LooksFor(absl::Hours(1)));
}

TEST_F(OrphanJudgeTest, OnceNobodyHeldItForTheGraceTime) {
  { const auto held = Hold(); }
  EXPECT_FALSE(LooksFor(absl::Seconds(59)));
  EXPECT_TRUE(LooksFor(absl::Seconds(1)));
}

TEST_F(OrphanJudgeTest, AWorkerThatCameBackIsOne) {
  EXPECT_FALSE(LooksFor(absl::Seconds(59)));  // its folder is not even there
  {
    const auto held = Hold();
    EXPECT_FALSE(LooksFor(absl::Seconds(1)));
  }
  EXPECT_FALSE(LooksFor(absl::Seconds(59)));
}

TEST_F(OrphanJudgeTest, ASuspendedHostDoesNotCount) {
  EXPECT_FALSE(LooksFor(absl::Seconds(30)));
  clock_.Advance(absl::Hours(10));
  EXPECT_FALSE(LooksFor(absl::Seconds(20)));
  EXPECT_TRUE(LooksFor(absl::Seconds(10)));
}

// A restarted worker must get its lock while trainers look at it.
TEST_F(OrphanJudgeTest, LookingDoesNotKeepTheWorkerOut) {
  { const auto held = Hold(); }
  std::atomic<bool> done = false;
  std::thread looker([&] {
    while (!done) judge_.IsOrphan();
  });
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(FileLock::Acquire(lock_.path).ok());
  done = true;
  looker.join();
}

}  // namespace
}  // namespace tune::trainer
