#include "worker/agent/folder_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

class FolderClaimTest : public ::testing::Test {
 protected:
  std::unique_ptr<FolderClaim> Take() {
    auto claim = FolderClaim::Take(work_dir_);
    EXPECT_TRUE(claim.ok()) << claim.status();
    return *std::move(claim);
  }
  bool Held() {
    const auto another = FileLock::Acquire(folder_.lock);
    EXPECT_TRUE(another.ok() || absl::IsFailedPrecondition(another.status())) << another.status();
    return !another.ok();
  }

  const ScratchFolder scratch_;
  const std::string work_dir_ = scratch_ / "work";
  const WorkFolder folder_{work_dir_};
};

TEST_F(FolderClaimTest, KeepsOthersOutAndItsIdOverALife) {
  auto claim = Take();
  EXPECT_TRUE(absl::IsFailedPrecondition(FolderClaim::Take(work_dir_).status()));
  const std::string installation = claim->installation();
  claim.reset();
  EXPECT_EQ(Take()->installation(), installation);
}

// Else its trainers end as orphans, and a second worker takes up the folder.
TEST_F(FolderClaimTest, WhatSomebodyRemovedIsMadeAgain) {
  const auto claim = Take();
  for (const std::string& removed : {folder_.lock, folder_.installation, work_dir_}) {
    ASSERT_TRUE(RemoveAll(removed).ok());
    EXPECT_TRUE(claim->Keep().ok()) << removed;
    EXPECT_TRUE(Held()) << removed;
    EXPECT_THAT(*ReadFile(folder_.installation), ::testing::StartsWith(claim->installation()))
        << removed;
  }
}

TEST_F(FolderClaimTest, ALockFileOfAnotherIsNotItsOwn) {
  const auto claim = Take();
  ASSERT_TRUE(RemoveAll(folder_.lock).ok());
  auto another = FileLock::Acquire(folder_.lock);
  ASSERT_TRUE(another.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(claim->Keep()));
  another->reset();
  EXPECT_TRUE(claim->Keep().ok());
  EXPECT_TRUE(Held());
}

TEST_F(FolderClaimTest, TellsAFolderThatCannotBe) {
  const auto claim = Take();
  ASSERT_TRUE(RemoveAll(work_dir_).ok());
  ASSERT_TRUE(WriteFileDurably(work_dir_, "a file where the folder should be").ok());
  EXPECT_FALSE(claim->Keep().ok());
}

}  // namespace
}  // namespace tune::worker
