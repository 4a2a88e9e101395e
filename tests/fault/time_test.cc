// An end by time says so.
#include "absl/strings/match.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Time : public FleetTest {};

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

}  // namespace
}  // namespace tune::testing
