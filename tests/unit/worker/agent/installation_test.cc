#include "worker/agent/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

std::string IdOf(const std::string& work_dir) {
  const std::string path = JoinPath(work_dir, "installation");
  std::string id = InstallationOf(work_dir, path);
  EXPECT_TRUE(KeepInstallation(work_dir, path, id).ok());
  return id;
}

TEST(Installation, IsMadeOnceForAFolder) {
  ScratchFolder folder;
  const std::string id = IdOf(folder.path());
  EXPECT_NE(id, "");
  EXPECT_EQ(IdOf(folder.path()), id);
}

TEST(Installation, ACopyOfTheFolderIsAnother) {
  ScratchFolder folder;
  ASSERT_TRUE(CreateDirectories(folder / "a").ok());
  const std::string first = IdOf(folder / "a");
  std::filesystem::copy(folder / "a", folder / "b", std::filesystem::copy_options::recursive);
  const std::string second = IdOf(folder / "b");
  EXPECT_NE(second, first);
  EXPECT_EQ(IdOf(folder / "b"), second);
  EXPECT_EQ(IdOf(folder / "a"), first);
}

TEST(Installation, AFolderThatIsMovedStaysTheSame) {
  ScratchFolder folder;
  ASSERT_TRUE(CreateDirectories(folder / "a").ok());
  const std::string id = IdOf(folder / "a");
  std::filesystem::rename(folder / "a", folder / "b");
  EXPECT_EQ(IdOf(folder / "b"), id);
}

TEST(Installation, AnIdOfAnEarlierReleaseStays) {
  ScratchFolder folder;
  ASSERT_TRUE(WriteFileDurably(folder / "installation", "0123-old").ok());
  EXPECT_EQ(IdOf(folder.path()), "0123-old");
  EXPECT_EQ(IdOf(folder.path()), "0123-old");
}

}  // namespace
}  // namespace tune::worker
