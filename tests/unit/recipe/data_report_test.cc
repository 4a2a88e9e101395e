#include "recipe/data/data_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_tokenizer.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class DataReportTest : public ::testing::Test {
 protected:
  absl::StatusOr<DataReport> Report(const std::string& content, LengthLimit limit) {
    const ExampleFormat format{PromptTemplate::Parse("plain").value(), tokenizer_.get(), 262};
    return ReportOnDataset(folder_.Write("d", content), "d", {}, format, limit,
                           [](int64_t) { return absl::OkStatus(); });
  }

  ScratchFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_ = SmallTokenizer();
};

// 3, 10 and 2 tokens: bytes, and the end token.
constexpr char kRows[] = R"({"prompt": "a", "response": "b", "id": 1}
{"prompt": "abcdefgx", "response": "x"}
{"text": "y"})";

TEST_F(DataReportTest, CountsWhatTheTrainerWould) {
  const auto report = Report(kRows, {8, "truncate"});
  ASSERT_TRUE(report.ok()) << report.status();
  const FormReport pairs = report->forms.at("prompt_response");
  EXPECT_EQ(pairs.rows, 2);
  EXPECT_EQ(pairs.used, 1);
  EXPECT_EQ(pairs.tokens, 3);
  EXPECT_EQ(pairs.target_tokens, 2);
  EXPECT_EQ(report->Total().rows, 3);
  EXPECT_EQ(report->Total().target_tokens, 3);
  EXPECT_EQ(report->without_targets, 1);
  EXPECT_EQ(report->longest, 10);
  EXPECT_THAT(report->lengths, ElementsAre(Pair(64, 3)));
  EXPECT_THAT(report->named_rows, ElementsAre("d:2: 10 tokens"));
  EXPECT_THAT(report->notes, ElementsAre("id is not read (1 row)"));
}

TEST_F(DataReportTest, TooLongRowsAreAnErrorOrDropped) {
  EXPECT_EQ(Report(kRows, {8, "error"})->too_long, 1);
  EXPECT_EQ(Report(kRows, {8, "drop"})->dropped, 1);
}

TEST_F(DataReportTest, IsKeptAsJson) {
  const DataReport report = Report(kRows, {8, "error"}).value();
  const Json json = DataReportToJson(report);
  EXPECT_EQ(DataReportToJson(DataReportFromJson(json).value()), json);
  EXPECT_TRUE(absl::IsDataLoss(DataReportFromJson({{"forms", 3}}).status()));
}

TEST(LengthBucketTest, ArePowersOfTwo) {
  EXPECT_EQ(LengthBucket(1), 64);
  EXPECT_EQ(LengthBucket(64), 64);
  EXPECT_EQ(LengthBucket(65), 128);
}

}  // namespace
}  // namespace tune
