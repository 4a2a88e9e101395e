#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json.h"
#include "parquet_file.h"
#include "recipe/data/dataset.h"
#include "recipe/data/open_rows.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::arrow::field;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

arrow::FieldVector TextColumn(const std::shared_ptr<arrow::DataType>& type = arrow::utf8()) {
  return {field("text", type)};
}

std::shared_ptr<arrow::Array> Bytes(const std::vector<std::string>& values) {
  arrow::BinaryBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return *builder.Finish();
}

std::shared_ptr<arrow::StructArray> Columns(
    const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  arrow::ArrayVector arrays;
  std::vector<std::string> names;
  for (const auto& [name, array] : columns) {
    names.push_back(name);
    arrays.push_back(array);
  }
  return *arrow::StructArray::Make(arrays, names);
}

class ParquetTest : public ::testing::Test {
 protected:
  absl::StatusOr<DatasetSummary> Read(const std::string& content, int64_t max_bad_rows = 0) {
    rows_.clear();
    const auto keep = [this](int64_t number, const Row& row) {
      EXPECT_EQ(number, row.at.number);
      rows_.push_back(row);
      return absl::OkStatus();
    };
    return ReadDataset(folder_.Write("data", content), "train.parquet", keep, {{}, max_bad_rows});
  }
  std::vector<Row> Rows(const std::string& content) {
    const auto summary = Read(content);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return rows_;
  }
  // "FIELD: MESSAGE" of the only bad row.
  std::string ErrorOf(const std::string& content) {
    const auto errors = FieldErrorsOf(Read(content).status());
    EXPECT_THAT(errors, SizeIs(1));
    return errors.empty() ? "" : absl::StrCat(errors[0].field, ": ", errors[0].message);
  }
  // The text of a value, as a row has it.
  std::string TextOf(const std::shared_ptr<arrow::DataType>& type, const std::string& value) {
    const std::string content = ParquetOf({field("text", type)}, "[{\"text\": " + value + "}]");
    const auto reader = OpenRows(folder_.Write("data", content), "data", {{"text", "text"}});
    EXPECT_TRUE(reader.ok()) << reader.status();
    RowText row;
    EXPECT_TRUE(reader.ok() && (*reader)->Next(&row).value());
    EXPECT_EQ(row.problem, "");
    return row.text;
  }
  void ExpectTheRowsOfJsonLines(const arrow::FieldVector& columns, const std::string& rows) {
    std::string lines;
    const Json parsed = *ParseJson(rows);
    for (const Json& row : parsed) absl::StrAppend(&lines, DumpJson(row), "\n");
    ExpectSame(Rows(ParquetOf(columns, rows)), Rows(lines));
  }
  static void ExpectSame(const std::vector<Row>& rows, const std::vector<Row>& others) {
    ASSERT_EQ(rows.size(), others.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].system, others[i].system);
      EXPECT_EQ(rows[i].is_text, others[i].is_text);
      EXPECT_EQ(rows[i].at.number, others[i].at.number);
      EXPECT_EQ(Texts(rows[i]), Texts(others[i]));
    }
  }
  static std::vector<std::string> Texts(const Row& row) {
    std::vector<std::string> texts;
    for (const Message& message : row.messages) {
      texts.push_back(message.text);
      texts.push_back(message.input);
    }
    return texts;
  }

  ScratchFolder folder_;
  std::vector<Row> rows_;
};

const std::shared_ptr<arrow::DataType> kMessage = arrow::struct_(
    {field("role", arrow::utf8()), field("content", arrow::utf8()), field("name", arrow::utf8())});

TEST_F(ParquetTest, EveryFormatHasTheRowsOfJsonLines) {
  const auto text = arrow::utf8();
  ExpectTheRowsOfJsonLines({field("text", text)}, R"([{"text": "a"}, {"text": "\u00e9\"\n"}])");
  ExpectTheRowsOfJsonLines({field("prompt", text), field("response", text)},
                           R"([{"prompt": "", "response": "b"}])");
  ExpectTheRowsOfJsonLines({field("completion", text), field("prompt", text)},
                           R"([{"prompt": "a", "completion": "b"}])");
  ExpectTheRowsOfJsonLines({field("question", text), field("answer", text)},
                           R"([{"question": "a", "answer": "b"}])");
  ExpectTheRowsOfJsonLines(
      {field("instruction", text), field("input", text), field("output", text)},
      R"([{"instruction": "a", "input": "b", "output": "c"},
          {"instruction": "a", "input": null, "output": "c"}])");
  ExpectTheRowsOfJsonLines(
      {field("instruction", text), field("context", text), field("response", text)},
      R"([{"instruction": "a", "context": "b", "response": "c"}])");
}

TEST_F(ParquetTest, ConversationsHaveTheRowsOfJsonLines) {
  const std::string messages = R"([{"messages": [
      {"role": "system", "content": "s", "name": null},
      {"role": "user", "content": "a", "name": "x"},
      {"role": "assistant", "content": "b", "name": null}]}])";
  ExpectTheRowsOfJsonLines({field("messages", arrow::list(kMessage))}, messages);
  ExpectTheRowsOfJsonLines({field("messages", arrow::large_list(kMessage))}, messages);
  ExpectTheRowsOfJsonLines({field("messages", arrow::fixed_size_list(kMessage, 3))}, messages);
  const auto turn = arrow::struct_({field("from", arrow::utf8()), field("value", arrow::utf8())});
  ExpectTheRowsOfJsonLines({field("id", arrow::int64()), field("conversations", arrow::list(turn))},
                           R"([{"id": 1, "conversations": [{"from": "human", "value": "a"},
                                                           {"from": "gpt", "value": "b"}]},
                               {"id": 2, "conversations": [{"from": "human", "value": "c"},
                                                           {"from": "gpt", "value": "d"},
                                                           {"from": "human", "value": "e"},
                                                           {"from": "gpt", "value": "f"}]}])");
}

TEST_F(ParquetTest, ATextMayBeOfAnyTextType) {
  for (const auto& type :
       {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary(),
        arrow::large_binary(), arrow::dictionary(arrow::int32(), arrow::utf8())}) {
    EXPECT_EQ(TextOf(type, "\"\xC3\xA9\""), "{\"text\":\"\xC3\xA9\"}") << type->ToString();
    EXPECT_EQ(TextOf(type, "null"), "{\"text\":null}") << type->ToString();
  }
}

TEST_F(ParquetTest, ValuesAreWrittenAsJsonHasThem) {
  EXPECT_EQ(TextOf(arrow::boolean(), "true"), R"({"text":true})");
  EXPECT_EQ(TextOf(arrow::int8(), "-5"), R"({"text":-5})");
  EXPECT_EQ(TextOf(arrow::uint64(), "18446744073709551615"), R"({"text":18446744073709551615})");
  EXPECT_EQ(TextOf(arrow::float64(), "0.1"), R"({"text":0.1})");
  EXPECT_EQ(TextOf(arrow::float64(), "NaN"), R"({"text":null})");
  EXPECT_EQ(TextOf(arrow::timestamp(arrow::TimeUnit::SECOND), "\"2024-02-29 12:00:00\""),
            R"({"text":"2024-02-29 12:00:00.000"})");
  EXPECT_EQ(TextOf(arrow::date32(), "0"), R"({"text":"1970-01-01"})");
  EXPECT_EQ(TextOf(arrow::decimal128(5, 2), "\"123.45\""), R"({"text":"123.45"})");
  EXPECT_EQ(TextOf(arrow::list(arrow::int32()), "[1, null, 3]"), R"({"text":[1,null,3]})");
  EXPECT_EQ(TextOf(arrow::list(arrow::int32()), "[]"), R"({"text":[]})");
  EXPECT_EQ(TextOf(arrow::map(arrow::utf8(), arrow::int32()), R"([["a", 1]])"),
            R"({"text":[{"key":"a","value":1}]})");
  EXPECT_EQ(TextOf(kMessage, R"({"role": "a", "content": null, "name": "b"})"),
            R"({"text":{"role":"a","content":null,"name":"b"}})");
}

TEST_F(ParquetTest, RowsAreNumberedThroughRowGroups) {
  std::string rows;
  for (int i = 1; i <= 2500; ++i)
    absl::StrAppend(&rows, i == 1 ? "[" : ",", "{\"text\": \"", i, "\"}");
  const std::string content = ParquetOf(TextColumn(), rows + "]", {.row_group_rows = 300});
  ASSERT_THAT(Rows(content), SizeIs(2500));
  for (int i = 0; i < 2500; ++i) {
    EXPECT_EQ(rows_[i].at.number, i + 1);
    EXPECT_EQ(rows_[i].messages.back().text, absl::StrCat(i + 1));
  }
  EXPECT_EQ(NameRow("train.parquet", rows_[16].at), "train.parquet (row 17)");
}

TEST_F(ParquetTest, NamesRowAndColumnOfWhatIsWrong) {
  EXPECT_EQ(ErrorOf(ParquetOf({field("prompt", arrow::utf8()), field("response", arrow::int64())},
                              R"([{"prompt": "a", "response": 5}])")),
            "train.parquet (row 1): response: must be a text, got the number 5");
  EXPECT_EQ(ErrorOf(ParquetOf(TextColumn(), R"([{"text": "a"}, {"text": " "}])")),
            "train.parquet (row 2): text: is empty");
  EXPECT_EQ(ErrorOf(ParquetOf(TextColumn(), R"([{"text": "a"}, {"text": null}])")),
            "train.parquet (row 2): has \"text\" (null); expected \"text\" as row 1 has");
  EXPECT_EQ(ErrorOf(ParquetOf({field("messages", arrow::list(kMessage))},
                              R"([{"messages": [{"role": "user", "content": null}]}])")),
            "train.parquet (row 1): messages[0].content: is null");
  EXPECT_EQ(ErrorOf(ParquetOf({field("text", arrow::utf8()), field("text", arrow::utf8())},
                              R"([["a", "b"]])")),
            "train.parquet (row 1): key \"text\" comes twice in one object");
}

TEST_F(ParquetTest, TextsMustBeUtf8) {
  EXPECT_EQ(ErrorOf(ParquetOf(*Columns({{"text", Bytes({"a", "\xFF"})}}))),
            "train.parquet (row 2): text: is not valid UTF-8");
  const auto messages =
      Columns({{"role", Bytes({"user", "assistant"})}, {"content", Bytes({"a", "\xC3"})}});
  const auto offsets = arrow::json::ArrayFromJSONString(arrow::int32(), "[0, 2]");
  const auto list = arrow::ListArray::FromArrays(**offsets, *messages);
  EXPECT_EQ(ErrorOf(ParquetOf(*Columns({{"messages", *list}}))),
            "train.parquet (row 1): messages[1].content: is not valid UTF-8");
}

TEST_F(ParquetTest, BadRowsAreLeftOutUpToTheLimit) {
  const std::string content =
      ParquetOf(TextColumn(), R"([{"text": "a"}, {"text": ""}, {"text": "c"}])");
  const auto summary = Read(content, 1);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 2);
  EXPECT_EQ(summary->bad_row_errors[0].field, "train.parquet (row 2)");
  EXPECT_EQ(rows_[1].at.number, 3);
}

TEST_F(ParquetTest, ColumnsThatNoFormatReadsAreLeftOut) {
  // The image is no UTF-8, and would be an error.
  EXPECT_THAT(Rows(ParquetOf(*Columns({{"image", Bytes({"\xFF"})}, {"text", Bytes({"a"})}}))),
              SizeIs(1));
  EXPECT_THAT(
      std::string(Read(ParquetOf({field("id", arrow::int64()), field("review", arrow::utf8())},
                                 R"([{"id": 1, "review": "a"}])"))
                      .status()
                      .message()),
      StartsWith("train.parquet: has the columns \"id\", \"review\"; expected one of: "));
  EXPECT_THAT(
      std::string(Read(ParquetOf({field("Prompt", arrow::utf8()), field("Response", arrow::utf8())},
                                 R"([{"Prompt": "a", "Response": "b"}])"))
                      .status()
                      .message()),
      HasSubstr("--columns prompt=Prompt,response=Response would read it"));
  const auto summary = Read(ParquetOf({field("text", arrow::utf8()), field("n", arrow::int64())},
                                      R"([{"text": "a", "n": 1}])"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->Notes(), ElementsAre("n is not read"));
}

TEST_F(ParquetTest, AnEmptyTableIsAnError) {
  EXPECT_EQ(Read(ParquetOf(TextColumn(), "[]")).status().message(), "train.parquet: has no rows");
}

TEST_F(ParquetTest, LongRowsAreRefused) {
  const std::string text(17 << 20, 'x');
  EXPECT_EQ(ErrorOf(ParquetOf(TextColumn(), "[{\"text\": \"" + text + "\"}, {\"text\": \"a\"}]")),
            "train.parquet (row 1): is longer than 16 MiB");
  EXPECT_THAT(rows_, SizeIs(1));
}

TEST_F(ParquetTest, ReadsEveryCompression) {
  using C = parquet::Compression;
  const std::string rows = R"([{"text": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}])";
  for (const C::type compression :
       {C::UNCOMPRESSED, C::SNAPPY, C::GZIP, C::ZSTD, C::LZ4, C::BROTLI}) {
    EXPECT_THAT(Rows(ParquetOf(TextColumn(), rows, {.compression = compression})), SizeIs(1))
        << compression;
  }
}

TEST_F(ParquetTest, Gsm8kHasTheRowsOfItsJsonLines) {
  const std::string path = SharedData("instruct/gsm8k/train.jsonl");
  if (path.empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
  const std::vector<Row> lines = Rows(*ReadFile(path));
  std::vector<std::string> questions, answers;
  for (const Row& row : lines) {
    questions.push_back(row.messages[0].text);
    answers.push_back(row.messages[1].text);
  }
  ExpectSame(
      Rows(ParquetOf(*Columns({{"question", Bytes(questions)}, {"answer", Bytes(answers)}}))),
      lines);
}

}  // namespace
}  // namespace tune
