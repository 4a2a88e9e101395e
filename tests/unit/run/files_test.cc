#include "run/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"
#include "base/sha256.h"

namespace tune {
namespace {

FileEntry File(const std::string& path) { return {path, 1, Sha256Hex(path)}; }

TEST(Files, SafePathsOnly) {
  EXPECT_TRUE(CheckFiles({File("a"), File("state/b.json"), File("..a")}, "files").ok());
  for (const std::string& bad :
       {std::string(), std::string("/a"), std::string("a/"), std::string("../a"),
        std::string("a/../b"), std::string("./a"), std::string("a//b"), std::string("a\\b"),
        std::string("a\0b", 3), std::string(513, 'a')}) {
    const auto errors = FieldErrorsOf(CheckFiles({File("ok"), File(bad)}, "files"));
    ASSERT_EQ(errors.size(), 1u) << bad;
    EXPECT_EQ(errors[0].field, "files[1].path");
  }
}

TEST(Files, AllErrorsAtOnce) {
  const FileEntry wrong{"a", -1, "ABC"};
  const auto errors = FieldErrorsOf(CheckFiles({File("a"), wrong}, "model.files"));
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_THAT(errors[0].message, testing::HasSubstr("twice"));
  EXPECT_EQ(errors[1].field, "model.files[1].sha256");
  EXPECT_EQ(errors[2].field, "model.files[1].size_bytes");
  EXPECT_FALSE(CheckFiles({}, "files").ok());
}

TEST(Files, TheDigestIsThatOfTheSortedList) {
  const FileEntry a = File("a"), b = File("b");
  EXPECT_EQ(FilesDigest({b, a}), FilesDigest({a, b}));
  EXPECT_EQ(FilesDigest({a}), Sha256Hex(a.sha256 + "  a\n"));
}

}  // namespace
}  // namespace tune
