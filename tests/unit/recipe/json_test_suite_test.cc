// JSONTestSuite (nst/JSONTestSuite): each file's content as a row of a dataset. Its name
// says what a parser owes it: y_ is JSON, n_ is not, i_ may be either.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/json.h"
#include "recipe/data/dataset.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using ::testing::StartsWith;

class JsonTestSuite : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = SharedData("robustness/JSONTestSuite/test_parsing");
    if (folder_.empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
  }

  // The files whose names begin with `prefix`, which are `count`.
  std::vector<std::pair<std::string, std::string>> Files(const std::string& prefix, size_t count) {
    std::vector<std::pair<std::string, std::string>> files;
    const auto names = ListFilesBelow(folder_).value();
    for (const std::string& name : names) {
      if (!absl::StartsWith(name, prefix)) continue;
      files.emplace_back(name, ReadFile(JoinPath(folder_, name)).value());
    }
    EXPECT_THAT(files, SizeIs(count));
    return files;
  }

  absl::Status Read(const std::string& content) {
    const auto any = [](int64_t, const Row&) { return absl::OkStatus(); };
    return ReadDataset(scratch_.Write("data", content), "data", any).status();
  }
  // After a good row, so that a "[" begins a row and not an array of rows.
  absl::Status ReadLine(const std::string& content) {
    return Read(absl::StrCat("{\"text\": \"a\"}\n", content, "\n"));
  }
  absl::Status ReadElement(const std::string& content) {
    return Read(absl::StrCat("[{\"text\": \"a\"},\n", content, "\n]"));
  }

  std::string folder_;
  ScratchFolder scratch_;
};

// Of a row that is JSON only this can be wrong. A key that comes twice is JSON whose
// meaning RFC 8259 (section 4) leaves open; which of two answers to learn must not be.
const auto kIsNoRow = AnyOf(StartsWith("a row must be an object, got "), StartsWith("has "),
                            HasSubstr("comes twice in one object"));

std::string OnlyError(const absl::Status& status) {
  const auto errors = FieldErrorsOf(status);
  EXPECT_THAT(errors, SizeIs(1)) << status;
  return errors.empty() ? "" : errors[0].message;
}

TEST_F(JsonTestSuite, WhatIsJsonIsRead) {
  for (const auto& [name, content] : Files("y_", 95)) {
    EXPECT_THAT(OnlyError(ReadElement(content)), kIsNoRow) << name;
    if (absl::StrContains(absl::StripSuffix(content, "\n"), '\n')) continue;  // no line
    EXPECT_THAT(OnlyError(ReadLine(content)), kIsNoRow) << name;
  }
}

// No JSON, but read as null (row_json.h).
bool IsNoNumber(const std::string& name) {
  return name == "n_number_NaN.json" || name == "n_number_infinity.json" ||
         name == "n_number_minus_infinity.json";
}

TEST_F(JsonTestSuite, WhatIsNoJsonIsRefusedWithItsPosition) {
  const char position[] = "^data:[0-9]+:[0-9]+( \\(row [0-9]+\\))?$";
  for (const auto& [name, content] : Files("n_", 188)) {
    if (IsNoNumber(name)) continue;
    const auto in_array = FieldErrorsOf(ReadElement(content));
    ASSERT_FALSE(in_array.empty()) << name;
    EXPECT_THAT(in_array[0].field, MatchesRegex(position)) << name;
    if (absl::StripAsciiWhitespace(content).empty()) continue;  // a blank line is no row
    const auto in_lines = FieldErrorsOf(ReadLine(content));
    ASSERT_FALSE(in_lines.empty()) << name;
    EXPECT_THAT(in_lines[0].field, MatchesRegex(position)) << name;
  }
}

TEST_F(JsonTestSuite, WhatMayBeEitherIsReadOrRefused) {
  for (const auto& [name, content] : Files("i_", 35)) {
    for (const absl::Status& status : {ReadElement(content), ReadLine(content), Read(content)}) {
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << name << ": " << status;
    }
  }
}

}  // namespace
}  // namespace tune
