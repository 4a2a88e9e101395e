#include "recipe/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/status.h"
#include "recipe/data/table_plugin.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"
#include "turns.h"

namespace tune {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class DatasetTest : public ::testing::Test {
 protected:
  absl::StatusOr<DatasetSummary> Read(const std::string& content, int64_t max_bad_rows = 0) {
    rows_.clear();
    folder_.Write("data", content);
    const auto keep = [this](int64_t number, const Row& row) {
      rows_.emplace_back(number, row);
      return absl::OkStatus();
    };
    return ReadDataset(folder_ / "data", "train.jsonl", keep, {{}, max_bad_rows});
  }
  // The one row of a file that is good.
  Row ReadRow(const std::string& line) {
    const auto summary = Read(line);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return rows_.empty() ? Row{} : rows_[0].second;
  }
  // "FIELD: MESSAGE" of the only error.
  std::string ErrorOf(const std::string& content) {
    const auto errors = FieldErrorsOf(Read(content).status());
    EXPECT_THAT(errors, SizeIs(1));
    return errors.empty() ? "" : absl::StrCat(errors[0].field, ": ", errors[0].message);
  }

  ScratchFolder folder_;
  std::vector<std::pair<int64_t, Row>> rows_;
};

TEST_F(DatasetTest, ReadsPromptsAndResponses) {
  const auto summary = Read(
      "{\"prompt\": \"a\", \"response\": \"b\", \"id\": 7}\n"
      "\n"
      "{\"prompt\": \"c\", \"completion\": \"d\"}");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->FormText(), "prompt_response");
  EXPECT_EQ(summary->rows, 2);
  ASSERT_THAT(rows_, SizeIs(2));
  EXPECT_EQ(rows_[0].first, 1);
  EXPECT_EQ(rows_[1].first, 3);
  EXPECT_EQ(Turns(rows_[1].second)[0].prompt, "c");
  EXPECT_EQ(Turns(rows_[1].second)[0].response, "d");
}

TEST_F(DatasetTest, ReadsInstructions) {
  EXPECT_EQ(Turns(ReadRow(R"({"instruction": "Add", "input": "1 2", "output": "3"})"))[0].prompt,
            "Add+1 2");
  EXPECT_EQ(Turns(ReadRow(R"({"instruction": "Add", "input": "", "output": "3"})"))[0].prompt,
            "Add");
  EXPECT_EQ(Turns(ReadRow(R"({"instruction": "Add", "output": "3"})"))[0].response, "3");
}

TEST_F(DatasetTest, ReadsTextAndQuestions) {
  const Row text = ReadRow(R"({"text": "once"})");
  EXPECT_TRUE(text.is_text);
  EXPECT_EQ(Turns(text)[0].response, "once");
  const Row question = ReadRow(R"({"question": "2+2?", "answer": "4\n#### 4"})");
  EXPECT_FALSE(question.is_text);
  EXPECT_EQ(Turns(question)[0].response, "4\n#### 4");
}

TEST_F(DatasetTest, AnInputThatIsEmptyOrNullHidesNoContext) {
  for (const char* input : {"null", "\"\""}) {
    const Row row = ReadRow(absl::StrCat(R"({"instruction": "Add", "input": )", input,
                                         R"(, "context": "1 2", "response": "3"})"));
    EXPECT_EQ(Turns(row)[0].prompt, "Add+1 2");
  }
}

TEST_F(DatasetTest, ReadsDollysNamesForInstructions) {
  const Row row = ReadRow(R"({"instruction": "Add", "context": "1 2", "response": "3"})");
  EXPECT_EQ(Turns(row)[0].prompt, "Add+1 2");
  EXPECT_EQ(Turns(row)[0].response, "3");
}

TEST_F(DatasetTest, ReadsConversationsWithEverySpeakersName) {
  const auto summary = Read(
      R"({"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "a"},)"
      R"({"from": "gpt", "value": "b"}, {"from": "user", "value": "c"},)"
      R"({"from": "chatgpt", "value": "d"}, {"from": "human", "value": "e"},)"
      R"({"from": "assistant", "value": "f"}], "id": "x"})");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->FormText(), "conversations");
  const Row& row = rows_[0].second;
  EXPECT_EQ(row.system, "s");
  ASSERT_THAT(Turns(row), SizeIs(3));
  EXPECT_EQ(Turns(row)[0].response, "b");
  EXPECT_EQ(Turns(row)[1].prompt, "c");
  EXPECT_EQ(Turns(row)[1].response, "d");
  EXPECT_EQ(Turns(row)[2].prompt, "e");
  EXPECT_EQ(Turns(row)[2].response, "f");
}

TEST_F(DatasetTest, NamesWhatIsWrongWithConversations) {
  EXPECT_EQ(ErrorOf(R"({"conversations": [{"from": "narrator", "value": "a"}]})"),
            "train.jsonl:1: conversations[0].from: \"narrator\" is not a role; expected system, "
            "user, assistant, tool, or one of their usual names (human, gpt, model, …)");
  EXPECT_EQ(
      ErrorOf(R"({"conversations": [{"from": "gpt", "value": "a"}]})"),
      "train.jsonl:1: conversations[0].from: an assistant message must follow a user message");
  EXPECT_EQ(ErrorOf(R"({"conversations": [{"from": "human", "value": "a"}]})"),
            "train.jsonl:1: conversations: has no assistant message");
  EXPECT_EQ(ErrorOf(R"({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt"}]})"),
            "train.jsonl:1: conversations[1].value: is missing");
}

TEST_F(DatasetTest, PairsMessagesIntoTurns) {
  const Row row = ReadRow(
      R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"},)"
      R"({"role": "user", "content": "b"}, {"role": "assistant", "content": "c"},)"
      R"({"role": "user", "content": "d"}, {"role": "assistant", "content": "e"},)"
      R"({"role": "user", "content": "unanswered"}]})");
  EXPECT_EQ(row.system, "s");
  ASSERT_THAT(Turns(row), SizeIs(2));
  EXPECT_EQ(Turns(row)[0].prompt, "a|b");
  EXPECT_EQ(Turns(row)[0].response, "c");
  EXPECT_EQ(Turns(row)[1].prompt, "d");
}

TEST_F(DatasetTest, NamesWhatIsWrongWithMessages) {
  EXPECT_EQ(
      ErrorOf(R"({"messages": [{"role": "user", "content": "a"},)"
              R"({"role": "assistant", "content": "b"}, {"role": "asistant", "content": "c"}]})"),
      "train.jsonl:1: messages[2].role: \"asistant\" is not a role; did you mean "
      "\"assistant\"?");
  EXPECT_EQ(ErrorOf(R"({"messages": [{"role": "tool", "content": "a"}]})"),
            "train.jsonl:1: messages[0].role: a tool's message must follow the assistant's call");
  EXPECT_EQ(ErrorOf(R"({"messages": [{"role": "user", "content": "a"}]})"),
            "train.jsonl:1: messages: has no assistant message");
  EXPECT_EQ(ErrorOf(R"({"messages": [{"role": "assistant", "content": "a"}]})"),
            "train.jsonl:1: messages[0].role: an assistant message must follow a user message");
  EXPECT_THAT(ErrorOf(R"({"messages": "hello"})"),
              StartsWith("train.jsonl:1: messages: must be an array of messages, got "));
  EXPECT_EQ(ErrorOf(R"({"messages": [{"role": "user", "content": "a"}, {"content": "b"},)"
                    R"({"role": "assistant", "content": "b"}]})"),
            "train.jsonl:1: messages[1].role: is missing");
  EXPECT_THAT(ErrorOf(R"({"messages": [{"role": "user", "content": null},)"
                      R"({"role": "assistant", "content": "b"}]})"),
              StartsWith("train.jsonl:1: messages[0].content: is null"));
}

TEST_F(DatasetTest, NamesLineAndColumnOfWhatIsNoJson) {
  const std::string error = ErrorOf("{\"text\": \"a\"}\n{\"text\": oops}\n");
  EXPECT_THAT(error, StartsWith("train.jsonl:2:10: "));
}

TEST_F(DatasetTest, NamesWrongTypesAndEmptyResponses) {
  EXPECT_THAT(ErrorOf(R"({"prompt": 5, "response": "b"})"),
              StartsWith("train.jsonl:1: prompt: must be a text, got "));
  EXPECT_EQ(ErrorOf(R"({"prompt": "a", "completion": " \n"})"),
            "train.jsonl:1: completion: is empty");
  EXPECT_EQ(ErrorOf("[[1, 2]]"), "train.jsonl:1:2 (row 1): a row must be an object, got an array");
  EXPECT_THAT(ErrorOf("\"text\""), StartsWith("train.jsonl:1: a row must be an object, got "));
}

TEST_F(DatasetTest, NamesTheKeysExpected) {
  EXPECT_EQ(ErrorOf("{\"prompt\": \"a\", \"response\": \"b\"}\n"
                    "{\"title\": \"a\", \"body\": \"b\"}\n"),
            "train.jsonl:2: has \"title\", \"body\"; expected \"prompt\" and \"response\" (or "
            "\"completion\") as line 1 has");
  EXPECT_THAT(
      ErrorOf(R"({"promt": "a"})"),
      StartsWith("train.jsonl:1: has \"promt\"; expected one of: \"chosen\" and \"rejected\"; "));
}

// As rows come from a table, where every row has every column.
TEST_F(DatasetTest, ANullIsAsAnAbsentKey) {
  const auto summary =
      Read(R"({"messages": null, "instruction": "a", "input": null, "context": "b",)"
           R"( "output": null, "response": "c", "id": null})");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->FormText(), "instruction");
  EXPECT_EQ(Turns(rows_[0].second)[0].prompt, "a+b");
  EXPECT_EQ(Turns(rows_[0].second)[0].response, "c");
  const Row row = ReadRow(R"({"messages": [{"role": "user", "content": "a", "name": null},)"
                          R"({"role": "assistant", "content": "b", "tool_calls": null}]})");
  EXPECT_EQ(Turns(row)[0].response, "b");
}

TEST_F(DatasetTest, NamesTheKeyThatIsNull) {
  EXPECT_EQ(ErrorOf("{\"prompt\": \"a\", \"response\": \"b\"}\n"
                    "{\"prompt\": \"a\", \"response\": null}\n"),
            "train.jsonl:2: has \"prompt\", \"response\" (null); expected \"prompt\" and "
            "\"response\" (or \"completion\") as line 1 has");
}

TEST_F(DatasetTest, TellsEqualProblemsOnce) {
  const std::string content = "{\"text\": 1}\n{\"text\": 1}\n{\"text\": 2}\n{\"text\": 1}\n";
  const auto errors = FieldErrorsOf(Read(content).status());
  ASSERT_THAT(errors, SizeIs(2));
  EXPECT_EQ(errors[0].field, "train.jsonl:1");
  EXPECT_EQ(errors[0].message,
            "text: must be a text, got the number 1 (and 2 rows more with the same)");
  EXPECT_EQ(errors[1].message, "text: must be a text, got the number 2");
}

TEST_F(DatasetTest, CollectsTwentyErrorsAndCountsAll) {
  std::string content = "{\"text\": \"good\"}\n";
  for (int i = 0; i < 35; ++i) absl::StrAppend(&content, "{\"text\": ", i, "}\n");
  const absl::Status status = Read(content).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(FieldErrorsOf(status), SizeIs(20));
  EXPECT_THAT(
      std::string(status.message()),
      StartsWith("train.jsonl: 35 of 36 rows cannot be used (the first 20 problems are named): "
                 "train.jsonl:2: text: must be a text"));
}

TEST_F(DatasetTest, SkipsAndCountsAsManyBadRowsAsAllowed) {
  const std::string content =
      "{\"text\": \"a\"}\n{\"text\": oops}\n{\"text\": \"b\"}\n{\"txt\": \"c\"}\n";
  const auto summary = Read(content, 2);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 2);
  EXPECT_EQ(summary->bad_rows, 2);
  ASSERT_THAT(summary->bad_row_errors, SizeIs(2));
  EXPECT_EQ(summary->bad_row_errors[0].field, "train.jsonl:2:10");
  EXPECT_EQ(summary->bad_row_errors[1].field, "train.jsonl:4");
  EXPECT_EQ(summary->bad_row_errors[1].message, "has \"txt\"; expected \"text\" as line 1 has");
  ASSERT_THAT(rows_, SizeIs(2));
  EXPECT_EQ(rows_[1].first, 3);
  EXPECT_THAT(std::string(Read(content, 1).status().message()),
              StartsWith("train.jsonl: 2 of 4 rows cannot be used, of which max_bad_rows allows 1: "
                         "train.jsonl:2:10: "));
}

TEST_F(DatasetTest, ADatasetOfOnlyBadRowsIsAnError) {
  EXPECT_THAT(std::string(Read("{\"text\": 1}\n", 10).status().message()),
              StartsWith("train.jsonl: 1 of 1 rows cannot be used: train.jsonl:1: text: "));
}

TEST_F(DatasetTest, ReadsAnArrayWithThePlaceOfEachRow) {
  const auto summary = Read(
      "\xEF\xBB\xBF\n [ {\"text\": \"a, ]} \\\" [\"},\n\n  {\"text\":\n \"b\"}\n ,{\"text\": "
      "\"c\"}]\n\n");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 3);
  ASSERT_THAT(rows_, SizeIs(3));
  EXPECT_EQ(Turns(rows_[0].second)[0].response, "a, ]} \" [");
  EXPECT_EQ(rows_[1].first, 2);
  EXPECT_EQ(NameRow("f", rows_[0].second.at), "f:2:4 (row 1)");
  EXPECT_EQ(NameRow("f", rows_[1].second.at), "f:4:3 (row 2)");
  EXPECT_EQ(NameRow("f", rows_[2].second.at), "f:6:3 (row 3)");
}

TEST_F(DatasetTest, NamesThePlaceOfWhatIsWrongInAnArray) {
  EXPECT_THAT(ErrorOf("[{\"text\": \"a\"},\n  {\"text\": oops}]"),
              StartsWith("train.jsonl:2:12 (row 2): "));
  EXPECT_THAT(ErrorOf("[{\"text\": \"a\"},\n  {\"text\":\n  oops}]"),
              StartsWith("train.jsonl:3:3 (row 2): "));
  EXPECT_EQ(ErrorOf("[{\"text\": \"a\"},\n  {\"txt\": \"b\"}]"),
            "train.jsonl:2:3 (row 2): has \"txt\"; expected \"text\" as row 1 has");
  EXPECT_THAT(ErrorOf("[{\"text\": \"a\"} {\"text\": \"b\"}]"),
              StartsWith("train.jsonl:1:16 (row 1): "));
  EXPECT_EQ(ErrorOf("[{\"text\": \"a\"},]"),
            "train.jsonl:1:16 (row 2): is missing; take out the comma around it");
}

TEST_F(DatasetTest, AnArrayThatDoesNotEndIsAnError) {
  EXPECT_EQ(ErrorOf("[{\"text\": \"a\"},\n {\"text\": \"b"),
            "train.jsonl:2:13: the array is not closed: the file ends inside row 2, which began at "
            "2:2; it is cut off, or a quote or bracket is missing");
  EXPECT_EQ(ErrorOf("[{\"text\": \"a\"}]\n{\"text\": \"b\"}"),
            "train.jsonl:2:1: the array ended before this; a file is one array of rows, or one row "
            "a line");
  // Such a file is not a few rows short of a good one.
  EXPECT_FALSE(Read("[{\"text\": \"a\"}, {\"text\": \"b\"}, {", 100).ok());
  EXPECT_EQ(Read("[ ]").status().message(), "train.jsonl: has no rows");
}

TEST_F(DatasetTest, ALongRowOfAnArrayIsPassedOver) {
  const std::string text(17 << 20, 'x');
  EXPECT_EQ(ErrorOf("[{\"text\": \"" + text + "\"}, {\"text\": \"a\"}]"),
            "train.jsonl:1:2 (row 1): is longer than 16 MiB");
  EXPECT_THAT(rows_, SizeIs(1));
}

TEST_F(DatasetTest, ToleratesByteOrderMarkAndCarriageReturns) {
  const auto summary = Read("\xEF\xBB\xBF{\"text\": \"a\"}\r\n\r\n{\"text\": \"b\"}\r\n");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 2);
}

TEST_F(DatasetTest, NamesTheCauseOfWhatIsNoData) {
  EXPECT_THAT(std::string(Read("<!doctype html>\n<html></html>").status().message()),
              HasSubstr("is a web page, not data"));
  EXPECT_THAT(std::string(Read("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
                              .status()
                              .message()),
              HasSubstr("is a Git LFS pointer"));
  EXPECT_THAT(ErrorOf("{'text': 'a'}"), HasSubstr("write rows with json.dumps"));
}

// As the same column of a Parquet file.
TEST_F(DatasetTest, WhatPythonWritesForNoNumberIsNull) {
  const auto summary = Read(
      "{\"instruction\": \"NaN \\\" -Infinity\", \"input\": NaN, \"output\": \"b\", \"s\": "
      "-Infinity}\n"
      "{\"instruction\": \"a\", \"output\": \"b\", \"s\": [Infinity]}\n");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(rows_[0].second.messages[0].text, "NaN \" -Infinity");
  EXPECT_EQ(rows_[0].second.messages[0].input, "");
  EXPECT_THAT(summary->Notes(), ElementsAre("s is not read (1 row)"));
  EXPECT_THAT(ErrorOf("{\"text\": NaN}"), HasSubstr("has \"text\" (null)"));
  EXPECT_THAT(ErrorOf("{\"text\": \"a\", \"s\": NaN,}"), HasSubstr("NaN is not JSON: write null"));
}

TEST_F(DatasetTest, ReadsObjectsHoweverTheyAreSpreadAndAListUnderAKey) {
  EXPECT_EQ(Read("{\n \"text\": \"a\"\n}\n{\n \"text\": \"b\"\n}\n")->rows, 2);
  EXPECT_EQ(NameRow("f", rows_[1].second.at), "f:4:1 (row 2)");
  EXPECT_EQ(Read("{\"text\": \"a\"}{\"text\": \"b\"}")->rows, 2);
  EXPECT_EQ(Read("{\"version\": 1, \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}]}")->rows, 2);
  EXPECT_EQ(Read("{\"train\": [\n {\"text\": \"a\"}]}\n")->rows, 1);
  EXPECT_THAT(ErrorOf("{\"train\": [{\"text\": \"a\"}], \"test\": [{\"text\": \"b\"}]}"),
              HasSubstr("a second list of rows follows"));
  EXPECT_THAT(ErrorOf("{\n \"text\": \"a\"\n}\n[1]\n"), HasSubstr("expected the next row"));
}

TEST_F(DatasetTest, AnEmptyFileIsAnError) {
  EXPECT_EQ(Read("").status().message(), "train.jsonl: has no rows");
  EXPECT_EQ(Read("\n \n\n").status().message(), "train.jsonl: has no rows");
  EXPECT_TRUE(absl::IsNotFound(ReadDataset(folder_ / "none", "none", [](int64_t, const Row&) {
                                 return absl::OkStatus();
                               }).status()));
}

TEST_F(DatasetTest, LongLinesAreRefusedAndErrorsAreShort) {
  const std::string text(17 << 20, 'x');
  EXPECT_EQ(ErrorOf("{\"text\": \"" + text + "\"}\n{\"text\": \"a\"}\n"),
            "train.jsonl:1: is longer than 16 MiB");
  EXPECT_THAT(rows_, SizeIs(1));
  EXPECT_LT(ErrorOf("{\"text\": \"" + text.substr(0, 1 << 20) + "\n").size(), 400u);
}

TEST_F(DatasetTest, AFifoIsRefused) {
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  const auto any = [](int64_t, const Row&) { return absl::OkStatus(); };
  EXPECT_EQ(ReadDataset(folder_ / "fifo", "fifo", any).status().message(),
            (folder_ / "fifo") + ": is no regular file");
}

TEST_F(DatasetTest, KeysAndRolesAreQuotedWithoutControlCharacters) {
  EXPECT_THAT(ErrorOf(R"({"\u001b[2J": 1})"), HasSubstr(R"(has "\u001b[2J"; expected)"));
  EXPECT_THAT(ErrorOf(R"({"messages": [{"role": "\u001b[2J", "content": "a"}]})"),
              HasSubstr(R"("\u001b[2J" is not a role)"));
}

TEST_F(DatasetTest, AnErrorOfTheCallerEndsTheReading) {
  ASSERT_TRUE(WriteFileDurably(folder_ / "data", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n").ok());
  int calls = 0;
  const auto status = ReadDataset(folder_ / "data", "data", [&](int64_t, const Row&) {
                        ++calls;
                        return absl::CancelledError("enough");
                      }).status();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(absl::IsCancelled(status));
}

TEST(TablePluginTest, AHostWithoutItIsToBlameAndNotTheFile) {
  const auto rows = OpenTableRows({"data", "train.parquet", {"text"}}, "libtune_none.so");
  EXPECT_TRUE(absl::IsFailedPrecondition(rows.status()));
  EXPECT_THAT(std::string(rows.status().message()),
              AllOf(StartsWith("train.parquet: is Parquet, which this host cannot read ("),
                    HasSubstr("libtune_none.so: cannot open shared object file"),
                    EndsWith("); install that library with this program, build with "
                             "-DTUNE_BUILD_ARROW=ON, or convert the file to JSON Lines")));
}

TEST_F(DatasetTest, ARowThatItsCallerRefusesIsAMalformedOne) {
  const std::string path = folder_.Write(
      "data", "{\"text\": \"a\"}\n{\"prompt\": \"b\", \"response\": \"c\"}\n{\"text\": \"d\"}\n");
  const auto refuse_one = [](int64_t number, const Row&) {
    return number == 2 ? RefusedRow(absl::InvalidArgumentError("not this")) : absl::OkStatus();
  };
  const auto strict = ReadDataset(path, "d", refuse_one);
  EXPECT_THAT(FieldErrorsOf(strict.status()), ElementsAre(FieldError{"d:2", "not this"}));
  const auto summary = ReadDataset(path, "d", refuse_one, {{}, 1});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 2);
  EXPECT_EQ(summary->bad_rows, 1);
  EXPECT_EQ(summary->FormText(), "text");
  EXPECT_THAT(summary->bad_row_errors, ElementsAre(FieldError{"d:2", "not this"}));
}

TEST_F(DatasetTest, AnyOtherErrorOfTheCallerEndsTheReading) {
  const std::string path = folder_.Write("data", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n");
  int calls = 0;
  const auto fail = [&](int64_t, const Row&) { return ++calls, absl::InternalError("broke"); };
  EXPECT_EQ(ReadDataset(path, "d", fail, {{}, 5}).status(), absl::InternalError("d:1: broke"));
  EXPECT_EQ(calls, 1);
}

TEST_F(DatasetTest, ACallerThatHasEnoughRowsGetsTheSummaryOfThem) {
  ASSERT_TRUE(WriteFileDurably(folder_ / "data", "oops\n{\"text\": \"a\"}\nnot read\n").ok());
  const auto summary = ReadDataset(folder_ / "data", "data",
                                   [](int64_t, const Row&) { return EnoughRows(); }, {{}, 1});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 1);
  EXPECT_EQ(summary->bad_rows, 1);
}

struct RealFile {
  const char* path;
  const char* format;
  int64_t rows;
};

TEST(RealDatasetTest, ReadsTheFilesPeopleHave) {
  if (SharedData("instruct").empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
  for (const RealFile& file :
       {RealFile{"instruct/gsm8k/train.jsonl", "question_answer", 7473},
        RealFile{"instruct/gsm8k/test.jsonl", "question_answer", 1319},
        RealFile{"instruct/dolly_hhrlhf/dolly_hhrlhf_train_small.jsonl", "prompt_response", 1000},
        RealFile{"instruct/fastchat/dummy_conversation.json", "conversations", 500},
        RealFile{"instruct/torchtune/chat_tiny.json", "conversations", 1},
        RealFile{"instruct/torchtune/instruct_tiny.json", "instruction", 2},
        RealFile{"instruct/llama-factory/identity.json", "instruction", 91}}) {
    const auto summary = ReadDataset(SharedData(file.path), file.path,
                                     [](int64_t, const Row&) { return absl::OkStatus(); });
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->FormText(), file.format);
    EXPECT_EQ(summary->rows, file.rows) << file.path;
  }
}

}  // namespace
}  // namespace tune
