// Files that are cut off, damaged or hostile: each is an error that says so, never a crash.
#include <arrow/api.h>
#include <arrow/util/secure_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/encryption/encryption.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "parquet_file.h"
#include "recipe/data/dataset.h"
#include "run/folder.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::arrow::field;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kMutations = 400;

// Two columns of several pages and row groups, one nested.
std::string Messages(const ParquetOptions& options = {.row_group_rows = 20}) {
  const auto message =
      arrow::struct_({field("role", arrow::utf8()), field("content", arrow::utf8())});
  std::string rows;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&rows, i == 0 ? "[" : ",", R"({"text": "row )", i * 7919,
                    R"(", "messages": [{"role": "user", "content": "what is )", i,
                    R"("}, {"role": "assistant", "content": "it is )", i * i, R"("}]})");
  }
  const auto words = arrow::dictionary(arrow::int32(), arrow::utf8());
  return ParquetOf({field("text", words), field("messages", arrow::list(message))}, rows + "]",
                   options);
}

class ParquetDamageTest : public ::testing::Test {
 protected:
  absl::Status Read(const std::string& content) {
    const auto any = [](int64_t, const Row&) { return absl::OkStatus(); };
    return ReadDataset(folder_.Write("data", content), "train.parquet", any, {{}, kMaxBadRows})
        .status();
  }
  std::string ErrorOf(const std::string& content) {
    const absl::Status status = Read(content);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }

  ScratchFolder folder_;
};

TEST_F(ParquetDamageTest, AFileCutOffAnywhereIsNamed) {
  const std::string content = Messages();
  ASSERT_TRUE(Read(content).ok());
  for (size_t size = 4; size < content.size(); size += 23) {
    EXPECT_THAT(
        ErrorOf(content.substr(0, size)),
        AllOf(StartsWith("train.parquet: the Parquet data is damaged or cut off after 0 rows ("),
              EndsWith("); copy or download the file again")))
        << size << " of " << content.size();
  }
}

TEST_F(ParquetDamageTest, AChecksumThatDoesNotHoldIsNamed) {
  std::string content = Messages(
      {.compression = parquet::Compression::UNCOMPRESSED, .row_group_rows = 20, .checksums = true});
  content[content.find("what is 30")] = 'W';
  EXPECT_THAT(ErrorOf(content),
              AllOf(StartsWith("train.parquet: the Parquet data is damaged or cut off after "),
                    HasSubstr("CRC checksum")));
}

// What the flips hit decides whether there is an error, but there is no other outcome.
TEST_F(ParquetDamageTest, FlippedBytesAreAnErrorOrOtherRows) {
  const std::string content = Messages();
  std::mt19937 random(7);
  int errors = 0;
  for (int i = 0; i < kMutations; ++i) {
    std::string damaged = content;
    // Half of them hit the footer, which is at the end.
    const size_t from = i % 2 == 0 ? 4 : content.size() - content.size() / 4;
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
      damaged[from + random() % (content.size() - from)] ^= static_cast<char>(1 << random() % 8);
    }
    const absl::Status status = Read(damaged);
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
    if (!status.ok()) ++errors;
  }
  EXPECT_GT(errors, kMutations / 4);
}

TEST_F(ParquetDamageTest, EncryptedFilesAreRefused) {
  const arrow::util::SecureString key("0123456789abcdef");
  parquet::FileEncryptionProperties::Builder all(key), columns_only(key);
  EXPECT_EQ(ErrorOf(Messages({.encryption = all.build()})),
            "train.parquet: is encrypted Parquet; decrypt it first");
  EXPECT_EQ(ErrorOf(Messages({.encryption = columns_only.set_plaintext_footer()->build()})),
            "train.parquet: is encrypted; decrypt it first");
}

}  // namespace
}  // namespace tune
