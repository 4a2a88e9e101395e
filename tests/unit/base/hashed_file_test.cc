#include "base/hashed_file.h"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

// Few bytes, which are hashed before they are written, and many, which are hashed beside.
TEST(HashedFile, KnowsTheHashOfWhatItWrote) {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  std::string expected;
  auto file = HashedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  for (const size_t size : {3, 40 << 20, 1, 1 << 20, 0}) {
    const std::string piece(size, static_cast<char>('a' + size % 7));
    ASSERT_TRUE((*file)->Write(piece).ok());
    expected += piece;
  }
  EXPECT_EQ((*file)->Finish(), Sha256Hex(expected));
  EXPECT_EQ(*ReadFile(path), expected);
}

TEST(HashedFile, TellsOfAFullDisk) {
  auto file = HashedFile::Open("/dev/full");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(absl::IsResourceExhausted((*file)->Write("x")));
  EXPECT_TRUE(absl::IsResourceExhausted((*file)->Write(std::string(1 << 20, 'x'))));
}

}  // namespace
}  // namespace tune
