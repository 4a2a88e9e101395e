#include "worker/trainer/run/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "recipe/data/chat_example.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr int32_t kEnd = 256;

// With the template "plain" and a tokenizer of single bytes a row has as many tokens as its
// prompt and response have bytes, and one.
class DataTest : public testing::Test {
 protected:
  DataTest() : tokenizer_(MakeTokenizer()), source_{"datasets/d", "rows.jsonl", ""} {
    options_ = {.spec = &spec_,
                .format = {.prompt_template = PromptTemplate::Parse("plain").value(),
                           .tokenizer = tokenizer_.get(),
                           .eos = kEnd},
                .limit = {8, "error"}};
  }

  static std::unique_ptr<Tokenizer> MakeTokenizer() {
    return Tokenizer::FromJson(SortedJson::parse(ByteTokenizerJson())).value();
  }

  absl::StatusOr<LoadedDataset> Load(const std::string& content) {
    EXPECT_TRUE(WriteFileDurably(scratch_ / "rows.jsonl", content).ok());
    return LoadDataset(scratch_ / "", source_, {}, options_);
  }
  Failure FailureOfLoading(const std::string& content) {
    const absl::Status status = Load(content).status();
    EXPECT_FALSE(status.ok());
    return status.ok() ? Failure{} : FailureOf(status);
  }
  static std::string RowOf(const std::string& prompt, const std::string& response) {
    return DumpJson({{"prompt", prompt}, {"response", response}}) + "\n";
  }
  // The tokens learned, the end as "$".
  static std::string Learned(const Example& example) {
    std::string text;
    for (size_t i = 0; i < example.ids.size(); ++i) {
      if (example.target[i] != 0) text += example.ids[i] == kEnd ? '$' : char(example.ids[i]);
    }
    return text;
  }

  ScratchFolder scratch_;
  std::unique_ptr<Tokenizer> tokenizer_;
  RunDataset source_;
  RunSpec spec_;
  DataOptions options_;
};

TEST_F(DataTest, KeepsWhatFitsWhole) {
  const auto data = Load(RowOf("abc", "wxyz") + RowOf("", "wxyzuvw"));  // 8 tokens each
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_THAT(data->examples, SizeIs(2));
  EXPECT_EQ(Learned(data->examples[0]), "wxyz$");
  EXPECT_EQ(data->examples[1].row, 2);
  EXPECT_EQ(data->tokens, 16);
  EXPECT_EQ(data->target_tokens, 5 + 7);  // nothing predicts the first token
  EXPECT_EQ(DescribeChanges(*data, options_), "");
}

TEST_F(DataTest, ErrorCountsTheRowsThatAreTooLongAndNamesTheFirst) {
  const std::string longer = RowOf("abcd", "wxyz");
  const Failure failure = FailureOfLoading(RowOf("a", "b") + longer + longer + longer + longer);
  EXPECT_EQ(failure.reason, kRowTooLong);
  EXPECT_EQ(failure.message,
            "datasets/d: 4 rows have more than 8 tokens: rows.jsonl:2 (9 tokens), rows.jsonl:3 "
            "(9 tokens), rows.jsonl:4 (9 tokens), …; raise max_length, shorten them, or set "
            "max_length_policy to truncate or drop");
  options_.max_length_can_rise = false;
  EXPECT_EQ(FailureOfLoading("[{\"text\": \"a\"},\n {\"text\": \"abcdefgh\"}]").message,
            "datasets/d: 1 row has more than 8 tokens: rows.jsonl:2:2 (row 2) (9 tokens); shorten "
            "them, or set max_length_policy to truncate or drop; the model has no more positions");
}

TEST_F(DataTest, DropLeavesLongRowsOutAndCountsThem) {
  options_.limit.policy = "drop";
  const auto data = Load(RowOf("abcd", "wxyz") + RowOf("a", "b") + RowOf("", "abcdefghi"));
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_THAT(data->examples, SizeIs(1));
  EXPECT_EQ(data->examples[0].row, 2);
  EXPECT_EQ(data->dropped, 2);
  EXPECT_EQ(DescribeChanges(*data, options_), "datasets/d: 2 rows dropped for more than 8 tokens");
}

TEST_F(DataTest, TruncateCutsTheEndAndTheEndToken) {
  options_.limit.policy = "truncate";
  const auto data = Load(RowOf("abcd", "wxyz") + RowOf("a", "b"));
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_THAT(data->examples, SizeIs(2));
  EXPECT_EQ(Learned(data->examples[0]), "wxyz");
  EXPECT_THAT(data->examples[0].ids, SizeIs(8));
  EXPECT_EQ(Learned(data->examples[1]), "b$");
  EXPECT_EQ(data->truncated, 1);
  EXPECT_EQ(data->tokens, 8 + 3);
  EXPECT_EQ(DescribeChanges(*data, options_), "datasets/d: 1 row truncated to 8 tokens");
}

TEST_F(DataTest, ARowCutToItsPromptIsLeftOutUnlessThePromptIsLearned) {
  options_.limit.policy = "truncate";
  const std::string rows = RowOf("abcdefgh", "wxyz") + RowOf("a", "b");
  const auto data = Load(rows);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->examples, SizeIs(1));
  EXPECT_EQ(data->without_targets, 1);
  EXPECT_EQ(data->truncated, 0);  // counted once
  EXPECT_EQ(DescribeChanges(*data, options_),
            "datasets/d: 1 row left out for lack of target tokens");
  options_.format.train_on = TrainOn::kAll;
  const auto all = Load(rows);
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_THAT(all->examples, SizeIs(2));
  EXPECT_EQ(Learned(all->examples[0]), "bcdefgh");
  EXPECT_EQ(Learned(all->examples[1]), "b$");
  EXPECT_EQ(all->without_targets, 0);
}

TEST_F(DataTest, NothingLeftIsAnError) {
  options_.limit.policy = "drop";
  const Failure failure = FailureOfLoading(RowOf("abcd", "wxyz"));
  EXPECT_EQ(failure.reason, kBadData);
  EXPECT_THAT(failure.message, HasSubstr("no row is left to train on (1 too long, "));
}

TEST_F(DataTest, SkipsAsManyMalformedRowsAsTheRunAllows) {
  const std::string rows = RowOf("a", "b") + "{\"prompt\": oops}\n" + RowOf("c", "d");
  EXPECT_EQ(FailureOfLoading(rows).reason, kBadData);
  source_.max_bad_rows = 1;
  const auto data = Load(rows);
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_THAT(data->examples, SizeIs(2));
  EXPECT_EQ(data->examples[1].row, 3);
  EXPECT_EQ(data->bad_rows, 1);
  EXPECT_THAT(DescribeChanges(*data, options_),
              StartsWith("datasets/d: 1 row left out as malformed (rows.jsonl:2:12: "));
}

TEST_F(DataTest, RowsThatTheChatTemplateRefusesAreMalformed) {
  const char* const jinja =
      "{% for m in messages %}{% if m.content == 'no' %}{{ raise_exception('not this') }}"
      "{% endif %}{{ m.content }}{{ '<|endoftext|>' if m.role == 'assistant' }}{% endfor %}";
  options_.format.chat = *ChatTemplate::Start({jinja, "", Json::object()}, TrainingDate());
  const std::string rows = RowOf("a", "b") + RowOf("no", "b") + RowOf("c", "d");
  const Failure failure = FailureOfLoading(rows);
  EXPECT_EQ(failure.reason, kBadData);
  EXPECT_THAT(failure.message, HasSubstr("rows.jsonl:2: the chat template refuses it at line 1"));
  source_.max_bad_rows = 1;
  const auto data = Load(rows);
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_THAT(data->examples, SizeIs(2));
  EXPECT_EQ(data->examples[1].row, 3);
  EXPECT_THAT(DescribeChanges(*data, options_),
              StartsWith("datasets/d: 1 row left out as malformed (rows.jsonl:2: the chat "
                         "template refuses it"));
}

TEST_F(DataTest, EveryAnswerOfAConversationIsLearnedWithItsEnd) {
  options_.limit.max_length = 20;
  const auto data =
      Load(R"({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"},)"
           R"( {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]})");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(Learned(data->examples[0]), "b$d$");
}

TEST_F(DataTest, CountsTheMalformedAmongEnoughRows) {
  options_.first_rows = 1;
  source_.max_bad_rows = 1;
  const auto data = Load("oops\n" + RowOf("a", "b") + "not read\n");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->bad_rows, 1);
}

TEST_F(DataTest, StopsAfterEnoughRows) {
  options_.first_rows = 1;
  const auto data = Load(RowOf("a", "b") + RowOf("c", "d") + "not read\n");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->examples, SizeIs(1));
}

}  // namespace
}  // namespace tune::trainer
