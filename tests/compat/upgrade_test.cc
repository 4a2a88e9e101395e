// The folders of an older build's programs, opened by this build's: jobs go on, checkpoints
// pull and resume. README.md says how the archive was made.
#include <signal.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"
#include "tests/support/older_trainer.h"

namespace tune::testing {
namespace {

class Upgrade : public FleetTest {
 protected:
  void SetUp() override {
    const RunResult unpacked = RunProgram(
        {"/bin/tar", "-C", folder_.path(), "-xzf", SourceFile("tests/compat/2026-11-27.tar.gz")},
        folder_ / "tar");
    ASSERT_EQ(unpacked.exit_code, 0) << unpacked.err;
    std::filesystem::rename(folder_ / "data", folder_ / "scheduler");
    std::filesystem::rename(folder_ / "worker", folder_ / "old");
  }
};

TEST_F(Upgrade, TheSchedulerShowsEveryJobAndTheFinishedOnesCheckpointPulls) {
  fleet_.StartScheduler();
  const std::string list = Expect({"list"}).out;
  for (const char* job : {"finished", "running", "queued"}) {
    EXPECT_TRUE(absl::StrContains(list, job)) << list;
  }
  EXPECT_EQ(Job("finished")["state"], "SUCCEEDED");
  EXPECT_EQ(Job("queued")["state"], "QUEUED");
  EXPECT_FALSE(Expect({"logs", "finished"}).out.empty());
  EXPECT_NE(PulledWeights("finished"), "none");
}

TEST_F(Upgrade, ItsWorkerGoesOnWithTheRunningJobAndThenTakesTheQueuedOne) {
  fleet_.StartScheduler();
  fleet_.StartWorker("old");
  const auto resumed_step = [&] {
    return Job("running")["attempts"].back().value("resumed_step", "");
  };
  Await([&] { return !resumed_step().empty(); });
  AwaitStep("running", std::stoll(resumed_step()) + 200);
  Expect({"cancel", "running"});
  Expect({"wait", "queued"});
}

// Trainers did not tell what files they read, and then read JSON Lines and arrays.
TEST_F(FleetTest, ATrainerThatTellsOfNoFilesIsGivenJsonLinesAlone) {
  fleet_.StartScheduler();
  fleet_.StartWorker("older", {"--trainer", TrainerThatTellsNo("[a-z]+", folder_)});
  PushTiny();
  Expect({"datasets", "push", "csv", folder_.Write("t.csv", "prompt,response\n1,1\n")});
  Expect({"submit", "-f", SourceFile("tests/support/tiny/job.yaml"), "--name", "table", "--dataset",
          "csv"});
  Submit("lines", {"max_steps=1"});
  Expect({"wait", "lines"});
  EXPECT_EQ(Job("table")["reason"], "NoWorkerForFile");
}

// Its run folder has a newer checkpoint, which the scheduler never heard of.
TEST_F(Upgrade, ATrainerGoesOnInItsRunFolder) {
  const std::string run = folder_ / "old/runs/running-a1-e1";
  const auto trainer = Process::Start(
      {Program("tune-trainer"), "--threads", "1", "run", run, "--resume"}, folder_ / "trainer");
  const std::string before = *ReadFile(run + "/events.jsonl");
  const auto told = [&](const std::string& what) {
    return absl::StrContains(ReadFile(run + "/events.jsonl")->substr(before.size()), what);
  };
  ASSERT_TRUE(
      WaitUntil([&] { return told("step-00000300") || !trainer->Running(); }, absl::Minutes(1)));
  EXPECT_FALSE(told("\"step\":180,")) << "it began anew";
  trainer->Signal(SIGTERM);
  EXPECT_EQ(trainer->Wait(absl::Seconds(30)), 3) << trainer->Err();
}

}  // namespace
}  // namespace tune::testing
