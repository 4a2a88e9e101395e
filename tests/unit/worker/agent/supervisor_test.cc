#include "worker/agent/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "fakes.h"

namespace tune::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Ends on the signals it is told to heed, or on `exit_now`.
class ScriptedProcess : public Process {
 public:
  std::optional<ExitStatus> Poll() override { return end_; }
  void Signal(int signal) override {
    signals.push_back(signal);
    if (signal == SIGKILL || heeds_term) end_ = ExitStatus{.signal = signal};
  }
  void Exit(int code) { end_ = ExitStatus{.code = code}; }

  bool heeds_term = false;
  std::vector<int> signals;

 private:
  std::optional<ExitStatus> end_;
};

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisedEnd Supervise(const std::function<void(int poll)>& on_poll) {
    int poll = 0;
    return worker::Supervise(process_, stop_, clock_, options_, [&] {
      on_poll(poll++);
      ASSERT_LT(poll, 1000) << "it does not end";
    });
  }

  ScriptedProcess process_;
  StopSignal stop_;
  VirtualClock clock_;
  SuperviseOptions options_{.poll_interval = absl::ZeroDuration(), .grace = absl::Seconds(30)};
};

TEST_F(SupervisorTest, WaitsForTheEndAndPollsOnceAfterIt) {
  bool seen_after_exit = false;
  const auto end = Supervise([&](int poll) {
    seen_after_exit = process_.Poll().has_value() && poll == 3;
    if (poll == 2) process_.Exit(0);
  });
  EXPECT_EQ(end.exit, ExitStatus{});
  EXPECT_FALSE(end.killed_by_us);
  EXPECT_TRUE(seen_after_exit);
  EXPECT_THAT(process_.signals, IsEmpty());
}

TEST_F(SupervisorTest, DrainsWithSigtermFirstAndKillsWhenTheGraceIsOver) {
  const auto end = Supervise([&](int poll) {
    if (poll == 0) stop_.Raise(StopCause::kDraining);
    if (poll == 2) clock_.Advance(absl::Seconds(29));
    if (poll == 3) {
      EXPECT_THAT(process_.signals, ElementsAre(SIGTERM));
    }
    if (poll == 4) clock_.Advance(absl::Seconds(1));
  });
  EXPECT_THAT(process_.signals, ElementsAre(SIGTERM, SIGKILL));
  EXPECT_TRUE(end.killed_by_us);
}

TEST_F(SupervisorTest, AnOrderToYieldLeavesMoreTimeUntilTheWorkerDrains) {
  options_.yield_grace = absl::Minutes(5);
  Supervise([&](int poll) {
    if (poll == 0) stop_.Raise(StopCause::kYielding);
    if (poll == 1) clock_.Advance(absl::Minutes(4));
    if (poll == 3) {
      EXPECT_THAT(process_.signals, ElementsAre(SIGTERM));
      stop_.Raise(StopCause::kDraining);
    }
    if (poll == 5) clock_.Advance(absl::Seconds(30));
  });
  EXPECT_THAT(process_.signals, ElementsAre(SIGTERM, SIGKILL));
}

TEST_F(SupervisorTest, ATrainerThatHeedsSigtermIsNotKilled) {
  process_.heeds_term = true;
  const auto end = Supervise([&](int) { stop_.Raise(StopCause::kDraining); });
  EXPECT_THAT(process_.signals, ElementsAre(SIGTERM));
  EXPECT_FALSE(end.killed_by_us);
}

TEST_F(SupervisorTest, AnEndedLeaseKillsAtOnce) {
  Supervise([&](int) { stop_.Raise(StopCause::kLeaseEnded); });
  EXPECT_THAT(process_.signals, ElementsAre(SIGKILL));
}

TEST_F(SupervisorTest, AnEndedLeaseCutsTheGraceShort) {
  Supervise(
      [&](int poll) { stop_.Raise(poll < 3 ? StopCause::kDraining : StopCause::kLeaseEnded); });
  EXPECT_THAT(process_.signals, ElementsAre(SIGTERM, SIGKILL));
}

TEST_F(SupervisorTest, TheTimeLimitStopsIt) {
  process_.heeds_term = true;
  options_.time_limit_at = clock_.Monotonic() + absl::Minutes(5);
  Supervise([&](int poll) {
    if (poll == 5) {
      EXPECT_EQ(stop_.cause(), StopCause::kNone);
    }
    if (poll % 2 == 1) clock_.Advance(absl::Minutes(1));
  });
  EXPECT_EQ(stop_.cause(), StopCause::kTimeLimit);
  EXPECT_THAT(process_.signals, ElementsAre(SIGTERM));
}

}  // namespace
}  // namespace tune::worker
