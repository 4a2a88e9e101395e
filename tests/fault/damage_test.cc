// Bits that flip and files that vanish, on the worker's disk and the scheduler's: found, told,
// mended, and never trained on.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Damage : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    PushTiny();
  }

  void StopScheduler() {
    fleet_.scheduler().Signal(SIGTERM);
    fleet_.scheduler().Wait(absl::Seconds(20));
  }

  RunResult Fsck() {
    return RunProgram({Program("tune-scheduler"), "fsck", "--data-dir", folder_ / "scheduler"},
                      folder_ / "fsck", absl::Seconds(20));
  }

  // The bytes of "tiny" under another name.
  void PushSameModel() {
    Expect({"models", "init", "same", "--config", SourceFile("tests/support/tiny/config.json"),
            "--tokenizer", SourceFile("tests/support/tiny/tokenizer.json"), "--seed", "0"});
  }

  // tunectl ARGS is refused as DATA_LOSS, with what to do.
  void ExpectDataLoss(std::vector<std::string> args) {
    args.insert(args.begin(), {"-o", "json"});
    const RunResult refused = Expect(args, 1);
    EXPECT_TRUE(absl::StrContains(refused.err, "DATA_LOSS")) << refused.err;
    EXPECT_TRUE(absl::StrContains(refused.err, "malformed")) << refused.err;
    EXPECT_TRUE(absl::StrContains(refused.err, "restore the folder from a backup")) << refused.err;
  }

  // Of the job's registered checkpoint.
  std::string OptimizerBlob(const std::string& checkpoint) {
    const Json files = fleet_.CtlJson({"checkpoints", "describe", checkpoint})["files"];
    for (const Json& file : files) {
      if (absl::StrContains(file["path"].get<std::string>(), "optimizer")) return file["sha256"];
    }
    ADD_FAILURE() << checkpoint << " has no optimizer state";
    return std::string(64, '0');
  }
};

TEST_F(Damage, AFlippedBitInACachedModelIsNotTrainedOn) {
  fleet_.StartWorker("cpu-1");
  Submit("calm");
  Expect({"wait", "calm"});
  FlipBit(folder_ / "cpu-1/cache/" + ModelFileHash("tiny", "model.safetensors"));
  Submit("job");
  Expect({"wait", "job"});
  EXPECT_EQ(PulledWeights("job"), PulledWeights("calm"));
}

TEST_F(Damage, ABlobDamagedAtTheSchedulerIsToldAndMendedByTheNextPush) {
  FlipBit(BlobPath(ModelFileHash("tiny", "model.safetensors")));
  StopScheduler();
  const RunResult told = Fsck();
  EXPECT_EQ(told.exit_code, 1) << told.err;
  EXPECT_TRUE(absl::StrContains(told.out, "models/tiny")) << told.out;

  fleet_.StartScheduler();
  const RunResult refused =
      Expect({"submit", "-f", SourceFile("tests/support/tiny/job.yaml"), "--name", "early"}, 1);
  EXPECT_TRUE(absl::StrContains(refused.err, "damaged")) << refused.err;
  PushSameModel();
  Submit("job");
  StopScheduler();
  EXPECT_EQ(Fsck().exit_code, 0) << Fsck().out;
}

TEST_F(Damage, AJobWaitsForTheBlobThatWasDamagedAndUsesNoRetry) {
  Submit("job", {"retries=0"});
  FlipBit(BlobPath(ModelFileHash("tiny", "model.safetensors")));
  fleet_.StartWorker("cpu-1");
  Await([&] { return absl::StrContains(Events("job"), "model.safetensors"); });
  PushSameModel();
  Expect({"wait", "job"});
}

TEST_F(Damage, AResumeFallsBackToACheckpointThatIsWhole) {
  fleet_.StartWorker("cpu-1");
  Submit("calm", {"max_steps=2000", "checkpoint_every=200"});
  Expect({"wait", "calm"});
  Submit("job", {"max_steps=2000", "checkpoint_every=200", "retries=0"});
  Await([&] { return fleet_.CtlJson({"checkpoints", "list", "job"}).size() >= 2; });
  fleet_.worker().Signal(SIGKILL);
  fleet_.worker().Wait(absl::Seconds(10));
  for (const pid_t trainer : fleet_.Trainers()) kill(trainer, SIGKILL);
  FlipBit(BlobPath(OptimizerBlob("job@latest")));
  fleet_.StartWorker("other");
  Expect({"wait", "job"});
  EXPECT_EQ(PulledWeights("job"), PulledWeights("calm"));
  bool resumed = false;
  const Json attempts = Job("job")["attempts"];
  for (const Json& attempt : attempts) resumed |= attempt.contains("resumed_step");
  EXPECT_TRUE(resumed) << Events("job");
}

TEST_F(Damage, BlobsWithoutTheirDatabaseAreNotStartedOn) {
  StopScheduler();
  for (const char* file : {"tune.db", "tune.db-wal", "tune.db-shm"}) {
    ASSERT_TRUE(RemoveAll(folder_ / "scheduler/" + file).ok());
  }
  fleet_.StartSchedulerAgain();
  EXPECT_EQ(fleet_.scheduler().Wait(absl::Seconds(10)), 1);
  EXPECT_TRUE(absl::StrContains(fleet_.scheduler().Err(), "--new")) << fleet_.scheduler().Err();
  EXPECT_FALSE(Exists(folder_ / "scheduler/tune.db"));
  fleet_.StartScheduler({"--new"});
}

// As on a full disk. The file only tells people where it listens.
TEST_F(Damage, AnAddressFileThatCannotBeWrittenStopsNoStart) {
  StopScheduler();
  ASSERT_TRUE(RemoveAll(folder_ / "scheduler/address").ok());
  ASSERT_TRUE(CreateDirectories(folder_ / "scheduler/address/occupied").ok());
  fleet_.StartSchedulerAgain();
  Await([&] { return fleet_.Ctl({"models", "list"}).exit_code == 0; }, absl::Seconds(20));
}

TEST_F(Damage, AMalformedDatabaseIsDataLossAndNotReady) {
  StopScheduler();
  fleet_.StartScheduler();
  {
    // Every page but the first, which holds the schema's root and the file's header.
    std::fstream file(folder_ / "scheduler/tune.db",
                      std::ios::in | std::ios::out | std::ios::binary);
    const auto size =
        static_cast<std::streamoff>(std::filesystem::file_size(folder_ / "scheduler/tune.db"));
    file.seekp(4096);
    file << std::string(size - 4096, '\xaa');
  }
  RunResult refused;
  Await([&] {
    refused = fleet_.Ctl({"models", "describe", "tiny"});
    return refused.exit_code != 0;
  });
  EXPECT_TRUE(absl::StrContains(refused.err, "malformed")) << refused.err;
  ExpectDataLoss({"submit", "-f", SourceFile("tests/support/tiny/job.yaml"), "--name", "job"});
  ExpectDataLoss({"list"});
  ExpectDataLoss({"describe", "job"});
  const std::string metrics = *ReadFile(folder_ / "scheduler/metrics_address");
  const RunResult ready =
      RunProgram({"/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                  "http://" + metrics.substr(0, metrics.find('\n')) + "/readyz"},
                 folder_ / "curl", absl::Seconds(20));
  EXPECT_EQ(ready.out, "503");
}

}  // namespace
}  // namespace tune::testing
