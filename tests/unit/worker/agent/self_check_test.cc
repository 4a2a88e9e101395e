#include "worker/agent/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/files.h"
#include "fakes.h"
#include "run/reason.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SelfCheckTest : public ::testing::Test {
 protected:
  void Trainer(const std::string& script) {
    ASSERT_TRUE(WriteFileDurably(folder_ / "trainer", "#!/bin/sh\n" + script).ok());
    ASSERT_EQ(chmod((folder_ / "trainer").c_str(), 0755), 0);
  }
  SelfCheck Make(int64_t min_free_bytes = 1) {
    return SelfCheck({.trainer = folder_ / "trainer",
                      .folders = {folder_ / "work", folder_ / "work/cache"},
                      .min_free_bytes = min_free_bytes},
                     processes_, clock_, metrics_);
  }

  ScratchFolder folder_;
  PosixProcessRunner processes_;
  VirtualClock clock_;
  Metrics metrics_{clock_, nullptr};
  const std::string well_ = R"(echo '{"version":"1.2.3","spec_fields":["epochs"]}')";
};

TEST_F(SelfCheckTest, AFitWorkersFoldersAreMadeAndItsTrainerAnswers) {
  Trainer(well_);
  SelfCheck check = Make();
  ASSERT_TRUE(check.Run().ok()) << check.status();
  EXPECT_EQ(check.trainer().version, "1.2.3");
  EXPECT_THAT(*ListDirectory(folder_ / "work/cache"), IsEmpty());
  ASSERT_TRUE(RemoveAll(folder_ / "work").ok());
  EXPECT_TRUE(check.Run().ok());
  EXPECT_TRUE(Exists(folder_ / "work/cache"));
}

TEST_F(SelfCheckTest, TellsAFolderThatCannotBe) {
  Trainer(well_);
  AppendTo(folder_ / "work", "a file where the folder should be");
  SelfCheck check = Make();
  EXPECT_THAT(std::string(check.Run().message()), HasSubstr("/work"));
  ASSERT_TRUE(RemoveAll(folder_ / "work").ok());
  EXPECT_TRUE(check.Run().ok()) << "well again";
}

TEST_F(SelfCheckTest, AWorkerThatLosesItsFolderIsUnfitAtOnce) {
  Trainer(well_);
  absl::Status kept;
  SelfCheck check(
      {.trainer = folder_ / "trainer", .folders = {}, .keep_claim = [&] { return kept; }},
      processes_, clock_, metrics_);
  ASSERT_TRUE(check.Run().ok());
  check.KeepClaim();
  EXPECT_TRUE(check.status().ok());
  kept = absl::FailedPreconditionError("another process holds this lock");
  check.KeepClaim();
  EXPECT_EQ(check.status(), kept);
  EXPECT_EQ(check.Run(), kept);
  kept = absl::OkStatus();
  check.KeepClaim();
  EXPECT_FALSE(check.status().ok()) << "only the whole check makes it fit again";
  EXPECT_TRUE(check.Run().ok());
}

TEST_F(SelfCheckTest, TellsThatThereIsNoRoomWithItsNumbers) {
  Trainer(well_);
  SelfCheck check = Make(/*min_free_bytes=*/int64_t{1} << 60);
  EXPECT_TRUE(absl::IsResourceExhausted(check.Run()));
  EXPECT_THAT(std::string(check.status().message()), HasSubstr("bytes are free"));
}

TEST_F(SelfCheckTest, TellsATrainerThatDoesNotAnswerAndKeepsWhatItToldBefore) {
  Trainer(well_);
  SelfCheck check = Make();
  ASSERT_TRUE(check.Run().ok());
  Trainer("echo no libtorch >&2; exit 127");
  EXPECT_THAT(std::string(check.Run().message()), HasSubstr("no libtorch"));
  EXPECT_EQ(check.trainer().version, "1.2.3");
}

TEST(IsSuspicious, IsWhatTheWorkerMayHaveCaused) {
  for (const auto reason :
       {kTrainerCrashed, kDiskFull, kNoDevice, kInternal, kMissingInput, kDownloadFailed,
        kRunFolderLost, kTrainerDiedAtStart, kTrainerOrphaned, kWorkerUnfit}) {
    EXPECT_TRUE(IsSuspicious({.reason = std::string(reason), .message = ""})) << reason;
  }
  for (const auto reason : {kWorkerDraining, kBadData, kTimeLimit, kOutOfMemory, kTrainerStopped}) {
    EXPECT_FALSE(IsSuspicious({.reason = std::string(reason), .message = ""})) << reason;
  }
  EXPECT_FALSE(IsSuspicious({})) << "success";
}

}  // namespace
}  // namespace tune::worker
