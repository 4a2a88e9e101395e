#include "worker/agent/found_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "lease.h"
#include "tests/support/scratch_folder.h"
#include "worker/agent/run_inputs.h"

namespace tune::worker {
namespace {

using ::testing::IsEmpty;

class FoundRunsTest : public ::testing::Test {
 protected:
  FoundRunsTest() { EXPECT_TRUE(CreateDirectories(run_dir_).ok()); }

  std::unique_ptr<Process> Start() {
    return *runner_.Start(
        {.argv = {"/bin/sleep", "60"}, .working_dir = run_dir_, .output_path = folder_ / "log"});
  }
  std::vector<FoundRun> Find() { return *FindRuns(folder_ / "runs"); }

  ScratchFolder folder_;
  PosixProcessRunner runner_;
  const std::string run_dir_ = folder_ / ("runs/" + RunFolderName(TestLease()));
};

TEST_F(FoundRunsTest, ARunWhoseTrainerRunsIsFoundWithItsLease) {
  const auto trainer = Start();
  ASSERT_TRUE(NoteRun(run_dir_, TestLease(), trainer->pid()).ok());
  const std::vector<FoundRun> found = Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].lease.SerializeAsString(), TestLease().SerializeAsString());
  EXPECT_EQ(found[0].trainer->pid(), trainer->pid());
  EXPECT_EQ(found[0].trainer->Poll(), std::nullopt);
  EXPECT_GE(found[0].age, -absl::Seconds(1));
  EXPECT_LT(found[0].age, absl::Minutes(1));
}

TEST_F(FoundRunsTest, ASignalReachesItAndItsEndHasNoStatus) {
  const auto trainer = Start();
  ASSERT_TRUE(NoteRun(run_dir_, TestLease(), trainer->pid()).ok());
  const std::vector<FoundRun> found = Find();
  ASSERT_EQ(found.size(), 1u);
  found[0].trainer->Signal(SIGKILL);
  while (!found[0].trainer->Poll()) std::this_thread::yield();
  EXPECT_EQ(*found[0].trainer->Poll(), ExitStatus{.unknown = true});
}

TEST_F(FoundRunsTest, FoldersWithoutATrainerAreRemoved) {
  auto trainer = Start();
  ASSERT_TRUE(NoteRun(run_dir_, TestLease(), trainer->pid()).ok());
  trainer.reset();
  ASSERT_TRUE(CreateDirectories(folder_ / "runs/never-started-a1-e1/model").ok());
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
}

// A trainer whose worker stayed away has written a checkpoint and ended.
TEST_F(FoundRunsTest, ARunThatEndedIsFoundForItsCheckpoint) {
  for (const std::string checkpoint : {"step-00000002", "final"}) {
    auto trainer = Start();
    ASSERT_TRUE(NoteRun(run_dir_, TestLease(), trainer->pid()).ok());
    trainer.reset();
    const std::string dir = run_dir_ + "/checkpoints/" + checkpoint;
    ASSERT_TRUE(CreateDirectories(dir).ok());
    ASSERT_TRUE(WriteFileDurably(dir + "/manifest.json", "{}").ok());
    const std::vector<FoundRun> found = Find();
    ASSERT_EQ(found.size(), 1u) << checkpoint;
    EXPECT_EQ(found[0].trainer->Poll(), ExitStatus{.unknown = true});
    EXPECT_TRUE(Exists(dir));
    ASSERT_TRUE(RemoveAll(dir).ok());
  }
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(FoundRunsTest, ATrainerOfTheFolderThatThisOneIsACopyOfIsLeftAlone) {
  const auto trainer = Start();
  ASSERT_TRUE(NoteRun(run_dir_, TestLease(), trainer->pid()).ok());
  std::filesystem::copy(folder_ / "runs", folder_ / "copy",
                        std::filesystem::copy_options::recursive);
  EXPECT_THAT(*FindRuns(folder_ / "copy"), IsEmpty());
  EXPECT_EQ(trainer->Poll(), std::nullopt);
  EXPECT_EQ(Find().size(), 1u);
}

TEST_F(FoundRunsTest, AnotherProcessOfTheSameNumberIsNoTrainer) {
  const auto other = Start();
  ASSERT_TRUE(NoteRun(run_dir_, TestLease(), other->pid()).ok());
  ASSERT_TRUE(WriteFileDurably(run_dir_ + "/trainer.pid", absl::StrCat(other->pid(), " 1")).ok());
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_EQ(other->Poll(), std::nullopt) << "and is left alone";
}

}  // namespace
}  // namespace tune::worker
