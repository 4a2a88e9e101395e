// Files made to cost more than they are worth: each is refused, or read, in bounded memory and
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "compression.h"
#include "recipe/data/dataset.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kMiB = int64_t{1} << 20;

// The most resident memory since the last ResetPeak, which Linux keeps as VmHWM.
int64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view value = line;
    int64_t kilobytes = 0;
    if (absl::ConsumePrefix(&value, "VmHWM:") && absl::ConsumeSuffix(&value, " kB") &&
        absl::SimpleAtoi(value, &kilobytes)) {
      return kilobytes * 1024;
    }
  }
  return 0;
}
void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

class HostileFile : public ::testing::Test {
 protected:
  // What reading says; its memory and its processor's time are held against the limits.
  std::string Outcome(const std::string& content, int64_t most_bytes) {
    const std::string path = folder_.Write("data", content);
    ResetPeak();
    const int64_t before = PeakBytes();
    const std::clock_t begin = std::clock();
    const auto any = [](int64_t, const Row&) { return absl::OkStatus(); };
    const auto summary = ReadDataset(path, "d", any);
    EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 20);
    // Sanitizers keep what is freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(PeakBytes() - before, most_bytes);
#endif
    notes_ = summary.ok() ? summary->Notes() : std::vector<std::string>();
    return std::string(summary.status().message());
  }

  ScratchFolder folder_;
  std::vector<std::string> notes_;
};

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST_F(HostileFile, NestedDeeply) {
  const std::string row = "{\"text\": \"a\", \"x\": " + Nested(10'000) + "}";
  for (const std::string& file : {row + "\n", "[" + row + "]", "{\n\"x\": " + Nested(10'000) + "}",
                                  "{\"train\": [" + row + "]}"}) {
    EXPECT_THAT(Outcome(file, 32 * kMiB), HasSubstr("nested deeper than 1000 levels"));
  }
  EXPECT_THAT(Outcome(std::string(50 * kMiB, '['), 96 * kMiB),
              HasSubstr("the array is not closed"));
  EXPECT_THAT(Outcome("{\"messages\": \"" + Nested(10'000) + "\"}\n", 32 * kMiB),
              HasSubstr("messages: must be an array of messages"));
}

TEST_F(HostileFile, ARowOf100Megabytes) {
  const std::string text(100 * kMiB, 'x');
  const std::string row = "{\"text\": \"" + text + "\"}";
  for (const std::string& file :
       {row + "\n", "[" + row + "]", "{\n\"text\": \"" + text + "\"}", "prompt,response\na," + text,
        "prompt,response\na,\"" + text + "\"", "User: a\nBot: " + text}) {
    EXPECT_THAT(Outcome(file, 128 * kMiB), HasSubstr("is longer than 16 MiB"));
  }
}

TEST_F(HostileFile, AMillionKeys) {
  std::string object = "{\"text\": \"a\"";
  for (int i = 0; i < 1'000'000; ++i) absl::StrAppend(&object, ",\"k", i, "\":1");
  EXPECT_EQ(Outcome(object + "}\n", 512 * kMiB), "");
  EXPECT_THAT(notes_, SizeIs(101));
  EXPECT_EQ(notes_.back(), "999900 more keys are not read");
}

// Keys that are a row's own, as ids are, would otherwise be kept for all rows.
TEST_F(HostileFile, KeysThatNeverEnd) {
  std::string rows;
  for (int i = 0; i < 200'000; ++i) absl::StrAppend(&rows, "{\"text\": \"a\", \"k", i, "\": 1}\n");
  EXPECT_EQ(Outcome(rows, 16 * kMiB), "");
  EXPECT_THAT(notes_, SizeIs(101));
}

TEST_F(HostileFile, Bombs) {
  const std::string zeros(300 * kMiB, '\n');
  for (const std::string& bomb : {Gzip(zeros), Zstd(zeros)}) {
    EXPECT_THAT(Outcome(bomb, 32 * kMiB), HasSubstr("as a decompression bomb does"));
  }
  // Bombs inside of a row, and one after the other.
  const std::string row = "{\"text\": \"" + std::string(200 * kMiB, 'x');
  EXPECT_THAT(Outcome(Gzip(row), 64 * kMiB), HasSubstr("as a decompression bomb does"));
  std::string frames;
  const std::string frame = Zstd(std::string(kMiB, ' '));
  for (int i = 0; i < 100; ++i) frames += frame;
  EXPECT_THAT(Outcome(frames, 32 * kMiB), HasSubstr("as a decompression bomb does"));
}

TEST_F(HostileFile, QuotesThatNeverClose) {
  EXPECT_THAT(Outcome("prompt,response\na,\"" + std::string(100 * kMiB, '\n'), 64 * kMiB),
              HasSubstr("the file ends inside a cell in quotes, which began at 2:3"));
  EXPECT_THAT(Outcome("{\"text\": \"" + std::string(100 * kMiB, 'x'), 64 * kMiB),
              HasSubstr("is longer than 16 MiB"));
  std::string quotes = "prompt,response\na,";
  for (int i = 0; i < 20'000'000; ++i) quotes += "\"\"";
  EXPECT_THAT(Outcome(quotes + "\n", 64 * kMiB), HasSubstr("d:2:1 (row 1): "));
}

}  // namespace
}  // namespace tune
