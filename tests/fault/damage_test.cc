// Bits that flip and files that vanish on the scheduler's disk: found, told and mended.
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
};

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
  const std::string metrics = *ReadFile(folder_ / "scheduler/metrics_address");
  const RunResult ready =
      RunProgram({"/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                  "http://" + metrics.substr(0, metrics.find('\n')) + "/readyz"},
                 folder_ / "curl", absl::Seconds(20));
  EXPECT_EQ(ready.out, "503");
}

}  // namespace
}  // namespace tune::testing
