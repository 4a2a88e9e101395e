// Time that the scheduler sleeps through ends no lease, and an end by time says so.
#include <signal.h>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Time : public FleetTest {};

TEST_F(Time, ASchedulerStoppedForLongerThanALeaseEndsNone) {
  fleet_.StartScheduler({"--lease-ttl-ms", "1000", "--heartbeat-interval-ms", "200"});
  PushTiny();
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=20000", "checkpoint_every=1000"});
  AwaitStep("job", 1);
  for (int i = 0; i < 3; ++i) {
    fleet_.scheduler().Signal(SIGSTOP);
    absl::SleepFor(absl::Milliseconds(1500));
    fleet_.scheduler().Signal(SIGCONT);
    AwaitStep("job", Step("job") + 100);
  }
  EXPECT_EQ(Job("job")["attempts"].size(), 1u) << Events("job");
}

TEST_F(Time, ATimeLimitIsToldAsOne) {
  fleet_.StartScheduler();
  PushTiny();
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=20000", "checkpoint_every=1000", "time_limit_seconds=2"});
  Expect({"wait", "job"}, 10);
  const Json job = Job("job");
  EXPECT_EQ(job["reason"], "TimeLimit") << job.dump(1);
  EXPECT_FALSE(absl::StrContains(job["message"].get<std::string>(), "SIGKILL")) << job.dump(1);
  EXPECT_FALSE(absl::StrContains(job["message"].get<std::string>(), "\n")) << job.dump(1);
}

// It writes no checkpoint and no event, and takes no SIGTERM: the worker kills it.
TEST_F(Time, ATimeLimitIsToldAsOneOfATrainerThatStandsStill) {
  fleet_.StartScheduler();
  PushTiny();
  fleet_.StartWorker("cpu-1", {"--drain-timeout-ms", "1000"});
  Submit("job", {"max_steps=20000", "checkpoint_every=1000", "time_limit_seconds=3"});
  AwaitStep("job", 1);
  const std::vector<pid_t> trainers = fleet_.Trainers();
  ASSERT_EQ(trainers.size(), 1u);
  ASSERT_EQ(kill(trainers[0], SIGSTOP), 0);
  Expect({"wait", "job"}, 10);
  const Json job = Job("job");
  EXPECT_EQ(job["reason"], "TimeLimit") << job.dump(1);
  EXPECT_EQ(job["attempts"].size(), 1u) << job.dump(1);
  EXPECT_FALSE(absl::StrContains(job["message"].get<std::string>(), "kill")) << job.dump(1);
  EXPECT_TRUE(fleet_.Trainers().empty());
}

}  // namespace
}  // namespace tune::testing
