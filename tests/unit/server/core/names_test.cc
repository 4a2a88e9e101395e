#include "server/core/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"
#include "base/sha256.h"
#include "server/core/registry.h"

namespace tune::server {
namespace {

TEST(Names, IdsFollowTheRule) {
  for (const char* good : {"a", "demo-1", "a.b_c", "-x", "0"}) EXPECT_TRUE(IsValidId(good)) << good;
  EXPECT_TRUE(IsValidId(std::string(64, 'a')));
  for (const char* bad : {"", ".", "..", ".a", "A", "a/b", "a b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsValidId(bad)) << bad;
  }
  EXPECT_FALSE(IsValidId(std::string(65, 'a')));
  EXPECT_FALSE(IsValidId(std::string("a\0b", 3)));
}

TEST(Names, ABadIdIsNamedByItsField) {
  const auto errors = FieldErrorsOf(CheckId("No", "job_id"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "job_id");
  EXPECT_THAT(errors[0].message, testing::HasSubstr("\"No\""));
}

TEST(Names, ParseIsTheInverseOfMake) {
  EXPECT_EQ(*ParseName("jobs", ResourceName("jobs", "j")), "j");
  const auto ref = ParseCheckpointName(CheckpointName("j", "step-00000012"));
  ASSERT_TRUE(ref.ok());
  EXPECT_EQ(ref->job_id, "j");
  EXPECT_EQ(ref->checkpoint_id, "step-00000012");
}

TEST(Names, OtherFormsAreRefusedWithTheRightOne) {
  for (const char* bad : {"j", "jobs/", "jobs/J", "models/j", "jobs/j/", "jobs/j/x", ""}) {
    const auto name = ParseName("jobs", bad);
    EXPECT_EQ(name.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(name.status().message()), testing::HasSubstr("jobs/NAME"));
  }
  for (const char* bad :
       {"jobs/j", "jobs/j/checkpoints/", "jobs/j/models/c", "a/j/checkpoints/c"}) {
    EXPECT_FALSE(ParseCheckpointName(bad).ok()) << bad;
  }
}

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
}  // namespace tune::server
