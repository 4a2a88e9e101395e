// A full disk, for real: a small tmpfs under the scheduler, another under the worker.
// What was acknowledged stays, the error says what to do, and with room again the
// service goes on.
#include <signal.h>

#include "base/files.h"
#include "tests/support/fleet_test.h"
#include "tests/support/small_volume.h"

namespace tune::testing {
namespace {

class FullDisk : public FleetTest {
 protected:
  void PushDemo() {
    Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
            "--tokenizer", SourceFile("deploy/demo/tokenizer.json")});
    Expect({"datasets", "push", "demo", SourceFile("deploy/demo/dataset.jsonl")});
  }
};

TEST_F(FullDisk, TheSchedulerRefusesAnUploadAndGoesOnWhenThereIsRoom) {
  SmallVolume volume(folder_ / "scheduler", "96m");
  if (!volume.mounted()) GTEST_SKIP() << "cannot mount a tmpfs: needs root";
  fleet_.StartScheduler();
  PushDemo();
  volume.Fill(1 << 20);
  const std::string big = folder_ / "big.jsonl";
  const std::string row = "{\"prompt\":\"p\",\"response\":\"" + std::string(4 << 20, 'y') + "\"}\n";
  ASSERT_TRUE(WriteFileDurably(big, row + row).ok());
  const RunResult refused = Expect({"datasets", "push", "big", big}, 1);
  EXPECT_NE(refused.err.find("free"), std::string::npos) << refused.err;
  EXPECT_NE(Expect({"datasets", "list"}).out.find("demo"), std::string::npos);

  volume.Empty();
  Expect({"datasets", "push", "big", big});
  fleet_.StartWorker("cpu-1");
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "after", "--set",
          "max_steps=1", "--wait"});
}

// SQLite wants 32 KiB for the memory that its connections share, even to read.
TEST_F(FullDisk, ASchedulerWithoutAByteDoesNotStartAndSaysWhatIsFull) {
  SmallVolume volume(folder_ / "scheduler", "32m");
  if (!volume.mounted()) GTEST_SKIP() << "cannot mount a tmpfs: needs root";
  fleet_.StartScheduler();
  PushTiny();
  fleet_.scheduler().Signal(SIGTERM);
  fleet_.scheduler().Wait(absl::Seconds(20));
  volume.Fill(0);
  fleet_.StartSchedulerAgain();
  EXPECT_EQ(fleet_.scheduler().Wait(absl::Seconds(10)), 1);
  const std::string err = fleet_.scheduler().Err();
  EXPECT_NE(err.find("scheduler/tune.db"), std::string::npos) << err;
  EXPECT_NE(err.find("free space on this volume"), std::string::npos) << err;

  volume.Empty();
  fleet_.StartScheduler();
  EXPECT_NE(Expect({"models", "list"}).out.find("tiny"), std::string::npos);
}

TEST_F(FullDisk, AWorkerWithoutRoomTakesNoJobUntilThereIsSome) {
  SmallVolume volume(folder_ / "cpu-1", "256m");
  if (!volume.mounted()) GTEST_SKIP() << "cannot mount a tmpfs: needs root";
  fleet_.StartScheduler();
  PushDemo();
  volume.Fill(256 << 10);
  fleet_.StartWorker("cpu-1");
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "job", "--set",
          "max_steps=4", "--set", "checkpoint_every=1", "--set", "retries=0"});
  ASSERT_TRUE(WaitUntil(
      [&] { return fleet_.LogTails().find("unfit and takes no job") != std::string::npos; },
      absl::Minutes(2)))
      << fleet_.LogTails();
  volume.Empty();
  Expect({"wait", "job"});
}

TEST_F(FullDisk, AFullWorkerTakesNoJobWhileAnotherIsBusy) {
  SmallVolume volume(folder_ / "full", "256m");
  if (!volume.mounted()) GTEST_SKIP() << "cannot mount a tmpfs: needs root";
  fleet_.StartScheduler();
  PushTiny();
  fleet_.StartWorker("good");
  Submit("long", {"max_steps=20000"});
  AwaitStep("long", 1);
  volume.Fill(16 << 10);
  fleet_.StartWorker("full");
  Submit("waiting");
  Await([&] { return Worker("full")["state"] == "UNHEALTHY"; });
  EXPECT_NE(Worker("full").value("reason", ""), "");
  EXPECT_EQ(Job("waiting")["state"], "QUEUED");
  Expect({"cancel", "long"});
  Expect({"wait", "waiting"});
}

}  // namespace
}  // namespace tune::testing
