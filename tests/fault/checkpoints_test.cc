// What stands between a run folder's checkpoints and the scheduler costs time, never the run.
#include <signal.h>

#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Checkpoints : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    PushTiny();
  }
};

TEST_F(Checkpoints, AStalledSchedulerEndsNoRunThatWritesOneAtEveryStep) {
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=100", "checkpoint_every=1"});
  AwaitStep("job", 5);
  fleet_.scheduler().Signal(SIGSTOP);
  const int64_t before = StepsTold("cpu-1");
  Await([&] { return StepsTold("cpu-1") > before + 30 || fleet_.Trainers().empty(); });
  fleet_.scheduler().Signal(SIGCONT);
  Expect({"wait", "job"});
  EXPECT_EQ(Job("job")["attempts"].size(), 1u) << Events("job");
}

}  // namespace
}  // namespace tune::testing
