// Arrow's own files: the same rows as JSON Lines, in every shape that people's programs write; and
// what is said of damaged and lying ones.
#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "arrow_file.h"
#include "base/files.h"
#include "base/json.h"
#include "compression.h"
#include "recipe/data/dataset.h"
#include "recipe/data/open_rows.h"
#include "run/folder.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::arrow::field;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const arrow::Compression::type kCompressions[] = {
    arrow::Compression::UNCOMPRESSED, arrow::Compression::LZ4_FRAME, arrow::Compression::ZSTD};

arrow::FieldVector Columns() {
  const auto message =
      arrow::struct_({field("role", arrow::utf8()), field("content", arrow::large_utf8())});
  return {field("id", arrow::int64()), field("messages", arrow::list(message)),
          field("system", arrow::dictionary(arrow::int32(), arrow::utf8()))};
}

std::string Row(int i) {
  return absl::StrCat(R"({"id": )", i, R"(, "messages": [{"role": "user", "content": "what is )", i,
                      R"("}, {"role": "assistant", "content": "it is )", i * i,
                      R"("}], "system": )", i % 3 == 0 ? "null" : R"("be )",
                      i % 3 == 0 ? "" : "brief\"", "}");
}

std::string Rows(int count) {
  std::string rows = "[";
  for (int i = 0; i < count; ++i) absl::StrAppend(&rows, i == 0 ? "" : ",", Row(i));
  return rows + "]";
}

class ArrowTest : public ::testing::Test {
 protected:
  absl::StatusOr<DatasetSummary> Read(const std::string& content) {
    rows_.clear();
    const auto keep = [this](int64_t number, const tune::Row& row) {
      rows_.push_back(absl::StrCat(number, " ", row.system, ": ", row.messages[0].text, " -> ",
                                   row.messages.back().text));
      return absl::OkStatus();
    };
    return ReadDataset(folder_.Write("data", content), "t.arrow", keep, {{}, kMaxBadRows});
  }
  std::string ErrorOf(const std::string& content) {
    const absl::Status status = Read(content).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }

  ScratchFolder folder_;
  std::vector<std::string> rows_;
};

TEST_F(ArrowTest, FilesAndStreamsHaveTheRowsOfJson) {
  ASSERT_TRUE(Read(Rows(50)).ok());
  const std::vector<std::string> expected = rows_;
  for (const bool stream : {false, true}) {
    for (const auto compression : kCompressions) {
      const auto summary = Read(ArrowOf(Columns(), Rows(50), {stream, compression, 7}));
      ASSERT_TRUE(summary.ok()) << summary.status();
      EXPECT_EQ(rows_, expected) << stream << compression;
      EXPECT_EQ(summary->FormText(), "messages");
      EXPECT_THAT(summary->columns_left_out, ElementsAre("id"));
    }
  }
}

TEST_F(ArrowTest, AnErrorNamesTheRowAndTheColumn) {
  const auto columns = {field("prompt", arrow::utf8()), field("response", arrow::int64())};
  const auto status = Read(ArrowOf(columns, R"([{"prompt": "a", "response": 5}])")).status();
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("t.arrow (row 1): response: must be a text, got the number 5"));
  EXPECT_EQ(ErrorOf(ArrowOf(Columns(), "[]", {.stream = true})), "t.arrow: has no rows");
  EXPECT_THAT(ErrorOf(ArrowOf({field("n", arrow::int64())}, R"([{"n": 1}])")),
              StartsWith("t.arrow: has the columns \"n\"; expected one of: "));
}

TEST_F(ArrowTest, IsNotReadInsideOfGzip) {
  EXPECT_EQ(ErrorOf(Gzip(ArrowOf(Columns(), Rows(5)))),
            "t.arrow: is Arrow inside gzip or zstd; unpack it first: Arrow can be compressed "
            "inside");
}

// A stream may end after any batch, so that one cut between two is a shorter one.
TEST_F(ArrowTest, AFileCutOffAnywhereIsNamed) {
  for (const bool stream : {false, true}) {
    const std::string content = ArrowOf(Columns(), Rows(50), {.stream = stream, .batch_rows = 20});
    for (size_t size = 6; size < content.size() - 8; size += 23) {
      const absl::Status status = Read(content.substr(0, size)).status();
      if (stream && status.ok()) continue;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(StartsWith("t.arrow: the Arrow data is damaged or cut off after "),
                        EndsWith("); copy or download the file again")))
          << size << " of " << content.size();
    }
  }
}

// What the flips hit decides whether there is an error, but there is no other outcome.
TEST_F(ArrowTest, FlippedBytesAreAnErrorOrOtherRows) {
  std::mt19937 random(7);
  int errors = 0;
  for (int i = 0; i < 600; ++i) {
    const ArrowOptions options{i % 2 == 0, kCompressions[i % 3], 20};
    std::string damaged = ArrowOf(Columns(), Rows(50), options);
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
      damaged[6 + random() % (damaged.size() - 6)] ^= static_cast<char>(1 << random() % 8);
    }
    const absl::Status status = Read(damaged).status();
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
    if (!status.ok()) ++errors;
  }
  EXPECT_GT(errors, 60);
}

// Lengths that lie cost no memory: of a message's own size, and of a compressed buffer.
TEST_F(ArrowTest, LengthsThatLieAreRefused) {
  std::string stream = ArrowOf(Columns(), Rows(5), {.stream = true});
  stream.replace(4, 4, "\xF0\xFF\xFF\x7F");
  EXPECT_THAT(ErrorOf(stream), HasSubstr("t.arrow: "));

  const std::string text(1000, 'x');
  std::string packed =
      ArrowOf({field("text", arrow::utf8())}, absl::StrCat(R"([{"text": ")", text, R"("}])"),
              {.stream = true, .compression = arrow::Compression::ZSTD});
  // A compressed buffer begins with its size unpacked, in 8 bytes; then comes zstd's magic number.
  const size_t size_at = packed.find(std::string("\xE8\x03\0\0\0\0\0\0\x28\xB5\x2F\xFD", 12));
  ASSERT_NE(size_at, packed.npos);
  packed.replace(size_at, 8, std::string("\0\0\0\0\0\x01\0\0", 8));
  EXPECT_THAT(ErrorOf(packed), HasSubstr("needs more than 1024 MiB to be read"));
}

}  // namespace
}  // namespace tune
