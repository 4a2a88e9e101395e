#include "run/checkpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CheckpointsTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) { return dir_ / ("checkpoints/" + name); }

  void Make(const std::string& name, bool manifest = true, int files = 1) {
    const std::string path = Path(name);
    ASSERT_TRUE(CreateDirectories(path + "/state").ok());
    for (int i = 0; i < files; ++i) {
      ASSERT_TRUE(WriteFileDurably(absl::StrCat(path, "/state/", i), "x").ok());
    }
    ASSERT_TRUE(!manifest || WriteFileDurably(path + "/manifest.json", "{}").ok());
  }

  std::vector<std::string> Names() { return ListDirectory(dir_ / "checkpoints").value(); }

  const ScratchFolder dir_;
};

TEST_F(CheckpointsTest, ListsCompleteOnesByStep) {
  EXPECT_THAT(StepCheckpoints(dir_.path()), IsEmpty());
  Make("step-00000012");
  Make("step-100000000");
  Make("step-99999999");
  Make("step-00000013", /*manifest=*/false);
  Make("step-00000014.tmp");
  Make("final");
  EXPECT_THAT(StepCheckpoints(dir_.path()),
              ElementsAre("step-00000012", "step-99999999", "step-100000000"));
}

TEST_F(CheckpointsTest, WhatIsGoneIsGone) {
  Make("step-00000001");
  EXPECT_TRUE(RemoveCheckpoint(Path("step-00000001")).ok());
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_TRUE(RemoveCheckpoint(Path("step-00000001")).ok());
  EXPECT_TRUE(RemoveCheckpoint(dir_ / "nothing/step-00000001").ok());
}

TEST_F(CheckpointsTest, AnEarlierRemovalThatWasKilledIsNotInTheWay) {
  Make("step-00000001");
  Make("step-00000001.removed.tmp");
  EXPECT_TRUE(RemoveCheckpoint(Path("step-00000001")).ok());
  EXPECT_THAT(Names(), IsEmpty());
}

// Two owners, as two programs of different versions may be, do not fail each other.
TEST_F(CheckpointsTest, TwoMayRemoveTheSame) {
  for (int round = 0; round < 20; ++round) {
    Make("step-00000001", true, 50);
    absl::Status first, second;
    std::thread other([&] { second = RemoveCheckpoint(Path("step-00000001")); });
    first = RemoveCheckpoint(Path("step-00000001"));
    other.join();
    EXPECT_TRUE(first.ok()) << first;
    EXPECT_TRUE(second.ok()) << second;
    EXPECT_THAT(StepCheckpoints(dir_.path()), IsEmpty());
    EXPECT_TRUE(SweepCheckpoints(dir_.path()).ok());
    EXPECT_THAT(Names(), IsEmpty());
  }
}

TEST_F(CheckpointsTest, KeepsTheNewest) {
  for (const char* name : {"step-00000002", "step-00000010", "step-00000009", "final"}) Make(name);
  EXPECT_TRUE(RemoveOldCheckpoints(dir_.path(), 2).ok());
  EXPECT_THAT(Names(), ElementsAre("final", "step-00000009", "step-00000010"));
  EXPECT_TRUE(RemoveOldCheckpoints(dir_.path(), 5).ok());
  EXPECT_THAT(Names(), ElementsAre("final", "step-00000009", "step-00000010"));
}

TEST_F(CheckpointsTest, SweepsWhatKillsLeft) {
  Make("step-00000001", /*manifest=*/false);  // half removed by an older program
  Make("step-00000002");
  Make("step-00000003.tmp");
  Make("step-00000004.removed.tmp");
  Make("final");
  Make("notes", /*manifest=*/false);  // a person's own
  EXPECT_TRUE(SweepCheckpoints(dir_.path()).ok());
  EXPECT_THAT(Names(), ElementsAre("final", "notes", "step-00000002"));
  EXPECT_TRUE(SweepCheckpoints(dir_ / "nothing").ok());
}

}  // namespace
}  // namespace tune
