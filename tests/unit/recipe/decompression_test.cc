#include "recipe/data/decompression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "compression.h"
#include "recipe/data/dataset.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Compress = std::string (*)(const std::string&);

// Text that compresses, but not too well.
std::string Rows(int count) {
  std::string rows;
  for (int i = 0; i < count; ++i) absl::StrAppend(&rows, "{\"text\": \"row ", i * 7919, "\"}\n");
  return rows;
}

class DecompressionTest : public ::testing::TestWithParam<std::pair<const char*, Compress>> {
 protected:
  absl::StatusOr<std::string> Unpacked(const std::string& content) {
    ASSIGN_OR_RETURN(const auto source,
                     OpenDecompressed(folder_.Write("data", content), "rows.gz"));
    std::string text, piece(1000, '\0');
    for (;;) {
      ASSIGN_OR_RETURN(const size_t read, source->Read(piece.data(), piece.size()));
      if (read == 0) return text;
      text.append(piece, 0, read);
    }
  }
  std::string ErrorOf(const std::string& content) {
    const absl::Status status = Unpacked(content).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }
  std::string format() const { return GetParam().first; }
  std::string Packed(const std::string& text) const { return GetParam().second(text); }

  ScratchFolder folder_;
};

TEST_P(DecompressionTest, GivesTheTextBack) {
  const std::string text = Rows(50000);  // several buffers, packed and unpacked
  EXPECT_EQ(Unpacked(Packed(text)).value(), text);
  EXPECT_EQ(Unpacked(Packed("")).value(), "");
}

TEST_P(DecompressionTest, StreamsFollowEachOther) {
  EXPECT_EQ(Unpacked(Packed("one ") + Packed("two ") + Packed("three")).value(), "one two three");
}

TEST_P(DecompressionTest, NamesAStreamCutOffAnywhere) {
  const std::string packed = Packed(Rows(300));
  for (size_t size = 6; size < packed.size(); ++size) {
    EXPECT_THAT(
        ErrorOf(packed.substr(0, size)),
        AllOf(StartsWith(absl::StrCat("rows.gz: the ", format(), " data ends too early, after ")),
              HasSubstr("; copy or download the file again")))
        << size << " of " << packed.size();
  }
}

TEST_P(DecompressionTest, NamesADamagedStream) {
  std::string packed = Packed(Rows(3000));
  for (size_t i = packed.size() / 2; i < packed.size() / 2 + 64; ++i) packed[i] = '\x55';
  EXPECT_THAT(ErrorOf(packed),
              StartsWith(absl::StrCat("rows.gz: the ", format(), " data is damaged after ")));
  EXPECT_THAT(ErrorOf(Packed("text") + "garbage"), HasSubstr(" data is damaged after 4 bytes"));
}

// 300 MiB in 300 KB; it is given up long before its end.
TEST_P(DecompressionTest, RefusesABomb) {
  EXPECT_THAT(
      ErrorOf(Packed(std::string(size_t{300} << 20, ' '))),
      HasSubstr("unpack to more than 200 times as many, as a decompression bomb does; if it "
                "is none, unpack it and use the plain file"));
}

TEST_P(DecompressionTest, DatasetsAreReadByContent) {
  folder_.Write("data", Packed(Rows(100) + "{\"text\": 5}\n"));
  const auto any = [](int64_t, const Row&) { return absl::OkStatus(); };
  const auto summary = ReadDataset(folder_ / "data", "rows", any, {{}, 1});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows, 100);
  EXPECT_EQ(summary->bad_row_errors[0].field, "rows:101");
  folder_.Write("data", Packed("[{\"text\": \"a\"}]"));
  EXPECT_EQ(ReadDataset(folder_ / "data", "rows", any)->rows, 1);
}

TEST_P(DecompressionTest, ParquetInsideIsToBeUnpacked) {
  folder_.Write("data", Packed("PAR1\x15\x04"));
  EXPECT_EQ(ReadDataset(folder_ / "data", "x", nullptr).status().message(),
            "x: is Parquet inside gzip or zstd; unpack it first: Parquet can be compressed inside");
}

INSTANTIATE_TEST_SUITE_P(Formats, DecompressionTest,
                         ::testing::Values(std::pair("gzip", Compress{Gzip}),
                                           std::pair("zstd", Compress{Zstd})),
                         [](const auto& info) { return info.param.first; });

class ZstdTest : public DecompressionTest {};

// pzstd begins a file with a frame of its own, which holds no text.
TEST_P(ZstdTest, SkippableFramesAreSkipped) {
  const std::string skipped("\x50\x2A\x4D\x18\x04\0\0\0size", 12);
  const std::string last("\x5F\x2A\x4D\x18\0\0\0\0", 8);
  EXPECT_EQ(Unpacked(skipped + Packed("one ") + skipped + Packed("two") + last).value(), "one two");
  EXPECT_EQ(Unpacked(last + Packed("one")).value(), "one");
  EXPECT_THAT(ErrorOf(skipped.substr(0, 10)), HasSubstr("data ends too early"));
}

// A frame's header, whose second byte is for a window of 2 GiB.
TEST_P(ZstdTest, NamesAWindowThatIsTooLarge) {
  EXPECT_EQ(ErrorOf(std::string("\x28\xB5\x2F\xFD\0\xA8\x01\0\0", 9)),
            "rows.gz: its zstd window is above 128 MiB; compress it without --long");
}

INSTANTIATE_TEST_SUITE_P(Zstd, ZstdTest, ::testing::Values(std::pair("zstd", Compress{Zstd})));

TEST(OtherKindsTest, AreNamedWithWhatToDo) {
  ScratchFolder folder;
  const auto error_of = [&](const std::string& content) {
    return std::string(OpenDecompressed(folder.Write("data", content), "x").status().message());
  };
  EXPECT_EQ(
      error_of("PK\x03\x04rest"),
      "x: is a zip archive, as Excel's files are too; unpack it first, or save the sheet as CSV");
  EXPECT_EQ(error_of("\xFD\x37zXZ"), "x: is compressed with xz; unpack it, or use gzip or zstd");
  EXPECT_EQ(error_of("BZh91AY"), "x: is compressed with bzip2; unpack it, or use gzip or zstd");
  EXPECT_EQ(error_of("PARE\x15"), "x: is encrypted Parquet; decrypt it first");
  EXPECT_EQ(error_of("FEA1"), "x: is Feather version 1; write it as Parquet or Arrow");
  EXPECT_EQ(error_of("ORC\x0A"), "x: is ORC; write it as Parquet or Arrow");
  EXPECT_EQ(error_of("\xFF\xFE{"), "x: is UTF-16; save it as UTF-8");
  EXPECT_EQ(error_of("P"), "");
}

}  // namespace
}  // namespace tune
