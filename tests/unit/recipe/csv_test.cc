// Tables written as text: what is a cell, what is a row, and what is said of one that is neither.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "compression.h"
#include "recipe/data/byte_source.h"
#include "recipe/data/dataset.h"
#include "recipe/data/file_kind.h"
#include "recipe/data/open_rows.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CsvTest : public ::testing::Test {
 protected:
  // Each row's JSON.
  std::vector<std::string> TextsOf(const std::string& content, const std::string& name = "t.csv",
                                   const Columns& columns = {}) {
    const auto reader = OpenRows(folder_.Write("data", content), name, columns);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> texts;
    for (RowText row; reader.ok();) {
      const auto some = (*reader)->Next(&row);
      EXPECT_TRUE(some.ok()) << some.status();
      if (!some.ok() || !*some) break;
      EXPECT_EQ(row.problem, "");
      texts.push_back(row.text);
    }
    return texts;
  }
  absl::StatusOr<DatasetSummary> Read(const std::string& content, int64_t max_bad_rows = 0,
                                      const Columns& columns = {}) {
    const auto keep = [this](int64_t, const Row& row) {
      rows_.push_back(row);
      return absl::OkStatus();
    };
    rows_.clear();
    return ReadDataset(folder_.Write("data", content), "t.csv", keep, {columns, max_bad_rows});
  }
  std::string ErrorOf(const std::string& content) {
    const absl::Status status = Read(content).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    const auto fields = FieldErrorsOf(status);
    if (fields.empty()) return std::string(status.message());
    return absl::StrCat(fields[0].field, ": ", fields[0].message);
  }

  ScratchFolder folder_;
  std::vector<Row> rows_;
};

TEST_F(CsvTest, ALineMayNameTheSeparator) {
  EXPECT_THAT(TextsOf("sep=;\r\nprompt;response\r\na,b;c\r\n", "noname"),
              ElementsAre(R"({"prompt":"a,b","response":"c"})"));
  EXPECT_THAT(TextsOf("\xEF\xBB\xBFsep=|\nprompt|response\na;b|c\n", "noname"),
              ElementsAre(R"({"prompt":"a;b","response":"c"})"));
  EXPECT_EQ(ErrorOf("sep=;\nprompt;response\na\n"),
            "t.csv:3:1 (row 1): has 1 cell, the header has 2; a cell that holds a separator or a "
            "line break must stand in quotes");
  EXPECT_FALSE(IsSeparatorLine("sep=ab"));
  EXPECT_FALSE(IsSeparatorLine("sep=a"));
  EXPECT_FALSE(IsSeparatorLine("sep="));
}

TEST_F(CsvTest, EveryCellIsATextAsItIsWritten) {
  EXPECT_THAT(
      TextsOf("prompt,response\n"
              "007,NaN\n"
              "null, a b \n"
              "\"say \"\"so\"\", twice\nor more\",5\" pipe\n"
              ",\"\"\n"),
      ElementsAre(R"({"prompt":"007","response":"NaN"})", R"({"prompt":"null","response":" a b "})",
                  R"({"prompt":"say \"so\", twice\nor more","response":"5\" pipe"})",
                  R"({"prompt":"","response":""})"));
}

TEST_F(CsvTest, ReadsEverySeparatorAndLineEnd) {
  const std::string row = R"({"prompt":"a","response":"b"})";
  EXPECT_THAT(TextsOf("prompt;response\r\na;b\r\n\r\n", "x"), ElementsAre(row));
  EXPECT_THAT(TextsOf("prompt\tresponse\ra\tb", "x"), ElementsAre(row));
  EXPECT_THAT(TextsOf("\xEF\xBB\xBF\"prompt\", response\na,\"b\"", "x"), ElementsAre(row));
  EXPECT_THAT(TextsOf("text\na\n\nb\n"), ElementsAre(R"({"text":"a"})", R"({"text":"b"})"));
  EXPECT_THAT(TextsOf("q,a\n1,2\n", "x", {{"prompt", "q"}, {"response", "a"}}),
              ElementsAre(R"({"q":"1","a":"2"})"));
}

TEST_F(CsvTest, ReadsItCompressed) {
  const std::string table = "prompt,response\na,b\n";
  for (const std::string& packed : {Gzip(table), Zstd(table)}) {
    EXPECT_THAT(TextsOf(packed, "t.csv.gz"), SizeIs(1));
  }
}

// A buffer's edge may part a quote from the one that follows, or a cell in two.
TEST_F(CsvTest, ACellMayLieAcrossTheBuffersEdge) {
  for (int length = 65490; length < 65540; ++length) {
    const std::string text(static_cast<size_t>(length), 'x');
    ASSERT_EQ(TextsOf(absl::StrCat("text,id\n\"", text, "\"\"y\"\"\",1\n")),
              std::vector<std::string>{absl::StrCat("{\"text\":\"", text, "\\\"y\\\"\"}")})
        << length;
  }
}

TEST_F(CsvTest, ColumnsThatAreNotReadAreNamed) {
  const auto summary = Read(",prompt,response,score\n0,a,b,1\n");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->FormText(), "prompt_response");
  EXPECT_THAT(summary->columns_left_out, ElementsAre("column 1", "score"));
  EXPECT_EQ(NameRow("t.csv", rows_.at(0).at), "t.csv:2:1 (row 1)");
  EXPECT_THAT(ErrorOf("Query,Reply\na,b\n"),
              HasSubstr("has the columns \"Query\", \"Reply\"; no known form; --columns "
                        "prompt=Query,response=Reply would read it"));
  EXPECT_THAT(ErrorOf("prompt,prompt,response\na,b,c\n"),
              HasSubstr("the header has \"prompt\" twice; rename one of the columns"));
}

TEST_F(CsvTest, AMalformedRowIsNamedAndMayBeSkipped) {
  const std::string table = "prompt,response\na,b\n\"c\nd\",e,f\ng\nh,\"i\"j\nk,\xFF\nl,\nm,n\n";
  const auto summary = Read(table, 5);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(rows_, SizeIs(2));
  std::vector<std::string> errors;
  for (const FieldError& e : summary->bad_row_errors) {
    errors.push_back(absl::StrCat(e.field, ": ", e.message));
  }
  const std::string quotes = "; a cell that holds a separator or a line break must stand in quotes";
  EXPECT_THAT(errors,
              ElementsAre("t.csv:3:1 (row 2): has 3 cells, the header has 2" + quotes,
                          "t.csv:5:1 (row 3): has 1 cell, the header has 2" + quotes,
                          "t.csv:6:1 (row 4): response: has text after its closing quote; inside "
                          "quotes a quote is written twice",
                          HasSubstr("t.csv:7:1 (row 5): response: must be UTF-8"),
                          "t.csv:8:1 (row 6): response: is empty"));
}

TEST_F(CsvTest, AQuoteWithoutEndIsNamedInBoundedMemory) {
  EXPECT_EQ(ErrorOf("prompt,response\na,b\nc,\"d\n" + std::string(40 << 20, 'x')),
            "t.csv:4:41943041: the file ends inside a cell in quotes, which began at 3:3; its "
            "closing quote is missing, or the file is cut off");
  EXPECT_THAT(ErrorOf("prompt,response\na," + std::string(17 << 20, 'x') + "\nc,d\n"),
              HasSubstr("t.csv:2:1 (row 1): is longer than 16 MiB"));
  EXPECT_THAT(ErrorOf("prompt,response\n" + std::string(17 << 20, ',') + "\nc,d\n"),
              HasSubstr("has 17825793 cells, the header has 2"));
  EXPECT_THAT(ErrorOf("prompt" + std::string(17 << 20, ',')), HasSubstr("17825793 columns"));
}

TEST_F(CsvTest, AHeaderAloneHasNoRows) {
  EXPECT_EQ(ErrorOf("prompt,response\n"), "t.csv: has no rows");
}

// As pandas writes them.
TEST_F(CsvTest, MarksAreThoseOfTheirWords) {
  EXPECT_THAT(ErrorOf("prompt,completion,label\na,b,False\n"), HasSubstr("label: is false"));
  EXPECT_THAT(ErrorOf("prompt,completion,weight\na,b,0.0\n"), HasSubstr("weight: must be 1"));
  const auto summary = Read("prompt,completion,label,weight\na,b,True,1.0\n");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_THAT(summary->Notes(), IsEmpty());
}

// df = pandas.DataFrame({"prompt": ["a", "b"], "n": [1, 2]}); df.to_json(orient=…)
TEST(TellFile, APandasTableIsRefusedWithWhatToDo) {
  ScratchFolder folder;
  const auto error_of = [&](const std::string& content) {
    return std::string(OpenRows(folder.Write("data", content), "data", {}).status().message());
  };
  for (const char* table : {R"({"prompt":{"0":"a","1":"b"},"n":{"0":1,"1":2}})", R"({"n":{"0":1}})",
                            R"({"n": {"17": null, "19": "x"}})",
                            R"({"0":{"prompt":"a","n":1},"1":{"prompt":"b","n":2}})",
                            "{\n  \"n\": {\n    \"0\": 1,\n    \"1\": 2\n  }\n}\n"}) {
    EXPECT_THAT(error_of(table), HasSubstr("df.to_json(FILE, orient=\"records\", lines=True)"))
        << table;
  }
  const std::string large =
      R"({"n":{"0":1,"1":2,"2":")" + std::string(BufferedBytes::kBufferBytes, 'x') + R"("}})";
  EXPECT_THAT(error_of(large), HasSubstr("pandas"));
  for (const char* rows : {R"({"scores": {"1": 0.5, "x": 1}, "text": "a"})",
                           R"({"scores": {"1": {"a": 2}, "2": 1}, "text": "a"})",
                           "{\"s\": {\"0\": 1, \"1\": 2}}\n{\"s\": {\"0\": 1, \"1\": 2}}\n"}) {
    EXPECT_EQ(error_of(rows), "") << rows;
  }
}

// Of every kind that there is, by which older builds are told from newer ones.
TEST(KindsOfFiles, AreToldByTheContent) {
  ScratchFolder folder;
  const auto kind_of = [&](const std::string& content, const Columns& columns = {}) {
    return *TellKindOfFile(folder.Write("data", content), "data", columns);
  };
  EXPECT_EQ(kind_of("{\"text\": \"a\"}\n"), "");
  EXPECT_EQ(kind_of("[{\"text\": \"a\"}]"), "");
  EXPECT_EQ(kind_of("<html>"), "");
  EXPECT_EQ(kind_of("{\n  \"text\": \"a\"\n}\n"), "objects");
  EXPECT_EQ(kind_of("{\"data\": [{\"text\": \"a\"}]}"), "wrapped");
  EXPECT_EQ(kind_of("User: a\n\nChip2: b<|endoftext|>"), "dialogue");
  EXPECT_EQ(kind_of("prompt,response\na,b\n"), "csv");
  EXPECT_EQ(kind_of(Gzip("prompt,response\na,b\n")), "csv");
  EXPECT_EQ(kind_of("q,a\na,b\n", {{"prompt", "q"}, {"response", "a"}}), "csv");
  EXPECT_EQ(kind_of("PAR1PAR1"), "parquet");
  EXPECT_EQ(kind_of("ARROW1\0\0"), "arrow");
  EXPECT_EQ(kind_of("\xFF\xFF\xFF\xFF\0\0"), "arrow");
  EXPECT_THAT(KindsOfFiles(false), ElementsAre("wrapped", "objects", "dialogue", "csv"));
  EXPECT_THAT(KindsOfFiles(true),
              ElementsAre("wrapped", "objects", "dialogue", "csv", "parquet", "arrow"));
}

}  // namespace
}  // namespace tune
