#include "base/files.h"
#include "tests/support/scratch_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tune {
namespace {

using ::testing::ElementsAre;

class FilesTest : public ::testing::Test {
 protected:
  const ScratchFolder folder_;
};

TEST_F(FilesTest, WritesDurablyAndLeavesNothingElse) {
  const std::string path = folder_ / "a";
  ASSERT_TRUE(WriteFileDurably(path, "one").ok());
  ASSERT_TRUE(WriteFileDurably(path, "two").ok());
  EXPECT_EQ(*ReadFile(path), "two");
  EXPECT_THAT(*ListDirectory(folder_.path()), ElementsAre("a"));
}

TEST_F(FilesTest, ErrorsNameThePath) {
  const absl::Status status = ReadFile(folder_ / "none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find(folder_.path()), std::string::npos);
}

TEST_F(FilesTest, AFolderIsNoEmptyFile) {
  EXPECT_EQ(ReadFile(folder_.path()).status().message(),
            folder_.path() + ": is a folder, not a file");
}

// A FIFO would be waited for, and /dev/zero has no end.
TEST_F(FilesTest, ReadsOnlyARegularFileOfTheSizeAllowed) {
  const std::string path = folder_ / "file", fifo = folder_ / "fifo";
  ASSERT_TRUE(WriteFileDurably(path, "four").ok());
  EXPECT_EQ(*ReadRegularFile(path, 4), "four");
  EXPECT_EQ(ReadRegularFile(path, 3).status().message(),
            path + ": has 4 bytes, the limit is 3; is it the right file?");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  for (const std::string& other : {fifo, std::string("/dev/zero"), folder_.path()}) {
    EXPECT_EQ(ReadRegularFile(other, 4).status().message(), other + ": is no regular file");
    EXPECT_EQ(OpenRegularFile(other).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ReadRegularFile(path + "x", 4).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FilesTest, AFullDiskIsResourceExhausted) {
  auto file = OutputFile::Open("/dev/full");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->Write("x").code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(FilesTest, OneHolderPerLock) {
  const std::string path = folder_ / "lock";
  auto first = FileLock::Acquire(path);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(FileLock::Acquire(path).status().code(), absl::StatusCode::kFailedPrecondition);
  first->reset();
  EXPECT_TRUE(FileLock::Acquire(path).ok());
}

TEST_F(FilesTest, ListsFilesBelow) {
  ASSERT_TRUE(CreateDirectories(folder_ / "b/c").ok());
  ASSERT_TRUE(WriteFileDurably(folder_ / "b/c/d", "").ok());
  ASSERT_TRUE(WriteFileDurably(folder_ / "a", "").ok());
  EXPECT_THAT(*ListFilesBelow(folder_.path()), ElementsAre("a", "b/c/d"));
}

}  // namespace
}  // namespace tune
