// What stands between a run folder's checkpoints and the scheduler costs time, never the run.
#include <signal.h>

#include "tests/support/fleet_test.h"
#include "tests/support/slow_link.h"

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

// A checkpoint of the tiny model has about 80 KB and one is written every 50 milliseconds or so: an
// upload takes several times as long. The events, some 100 KB a second, must get through.
TEST_F(Checkpoints, AnUploadSlowerThanTheyComeStillRegistersThem) {
  const SlowLink link(fleet_.address(), 400'000);
  fleet_.set_link(link.address());
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=20000", "checkpoint_every=20"});
  AwaitCheckpoint("job");
  const std::string first = Job("job")["latest_checkpoint"];
  Await([&] { return Job("job")["latest_checkpoint"] != first; });
  const Json job = Job("job");
  EXPECT_EQ(job["state"], "RUNNING") << job.dump(1);
  EXPECT_EQ(job["attempts"].size(), 1u) << job.dump(1);
}

}  // namespace
}  // namespace tune::testing
