// What stands between a run folder's checkpoints and the scheduler costs time, never the run.
#include <signal.h>

#include "absl/strings/str_split.h"
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
  // The checkpoints that the worker did not register for newer ones.
  int PassedOver(const std::string& work_folder) {
    const std::string log = fleet_.worker(work_folder).Err();
    const std::vector<absl::string_view> pieces = absl::StrSplit(log, "is passed over for");
    return static_cast<int>(pieces.size()) - 1;
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
  const SlowLink link(fleet_.address(), 40'000);
  fleet_.set_link(link.address());
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=20000", "checkpoint_every=20"});
  AwaitCheckpoint("job");
  EXPECT_GE(PassedOver("cpu-1"), 3) << "the link is not slow enough to prove anything";
  const std::string first = Job("job")["latest_checkpoint"];
  Await([&] { return Job("job")["latest_checkpoint"] != first; });
  const Json job = Job("job");
  EXPECT_EQ(job["state"], "RUNNING") << job.dump(1);
  EXPECT_EQ(job["attempts"].size(), 1u) << job.dump(1);
}

// The events alone are many times what this link carries. A call that asks too much of it would be
// made again and again, and never be answered.
TEST_F(Checkpoints, ALinkThatIsAlwaysFullStillTellsOfTheRun) {
  const SlowLink link(fleet_.address(), 5'000);
  fleet_.set_link(link.address());
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=1000000", "checkpoint_every=1000"});
  AwaitStep("job", 1);
  Await([&] { return StepsTold("cpu-1") > 5000; });
  const int64_t step = Step("job");
  AwaitStep("job", step + 1);
  const Json job = Job("job");
  EXPECT_EQ(job["state"], "RUNNING") << job.dump(1);
  EXPECT_EQ(job["attempts"].size(), 1u) << job.dump(1) << fleet_.LogTails();
}

}  // namespace
}  // namespace tune::testing
