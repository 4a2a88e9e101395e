// A gigabyte of real rows: how fast they are read, beside parsing their JSON alone and nothing
// more, and that memory does not grow with the file.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/json.h"
#include "recipe/data/byte_source.h"
#include "recipe/data/dataset.h"
#include "recipe/data/example.h"
#include "recipe/data/line_rows.h"
#include "recipe/data/open_rows.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

constexpr const char* kFiles[] = {
    "instruct/gsm8k/train.jsonl", "instruct/dolly_hhrlhf/dolly_hhrlhf_train_small.jsonl",
    "instruct/self-instruct/seed_tasks.jsonl", "instruct/fastchat/dummy_conversation.json",
    "instruct/llama-factory/identity.json"};

// Every row of those files as a line.
std::string Lines() {
  std::string lines;
  for (const char* file : kFiles) {
    const auto reader = OpenRows(SharedData(file), file, {}).value();
    for (RowText row; reader->Next(&row).value();) {
      absl::StrAppend(&lines, DumpJson(*ParseJson(row.text)), "\n");
    }
  }
  return lines;
}

int64_t Megabytes() {
  const char* wanted = std::getenv("TUNE_READING_MB");
  return wanted == nullptr ? 64 : std::atoll(wanted);
}

int64_t MostMemoryMb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

// Of the processor's time: what else runs on the machine is no matter.
template <class F>
double MegabytesPerSecond(double megabytes, F&& read) {
  const std::clock_t begin = std::clock();
  read();
  return megabytes * CLOCKS_PER_SEC / static_cast<double>(std::clock() - begin);
}

TEST(ReadingSpeed, IsAtLeastHalfThatOfParsingAlone) {
  if (SharedData("instruct").empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
  ScratchFolder folder;
  const std::string path = folder / "rows.jsonl";
  {
    const std::string lines = Lines();
    const auto file = OutputFile::Open(path).value();
    for (int64_t size = 0; size < Megabytes() << 20; size += static_cast<int64_t>(lines.size())) {
      ASSERT_TRUE(file->Write(lines).ok());
    }
  }
  const double megabytes = static_cast<double>(FileSize(path).value()) / (1 << 20);
  int64_t rows = 0;
  const double parsing = MegabytesPerSecond(megabytes, [&] {
    LineRows lines(BufferedBytes(OpenFileBytes(path).value()));
    for (RowText row; lines.Next(&row).value(); ++rows) {
      ASSERT_TRUE(Json::parse(row.text).is_object());
    }
  });
  const int64_t before = MostMemoryMb();
  int64_t read = 0;
  const double reading = MegabytesPerSecond(megabytes, [&] {
    const auto count = [&](const std::vector<int64_t>&, const std::vector<Row>&) {
      ++read;
      return absl::OkStatus();
    };
    ASSERT_TRUE(ReadRecords(path, path, count).ok());
  });
  EXPECT_EQ(read, rows);
  const int64_t grown = MostMemoryMb() - before;
  std::printf("%.0f MB, %ld rows: parsing %.0f MB/s, reading %.0f MB/s, %.2f of it; %ld MB more\n",
              megabytes, static_cast<long>(rows), parsing, reading, reading / parsing,
              static_cast<long>(grown));
  EXPECT_GE(reading, parsing / 2);
  EXPECT_LE(grown, 16);
}

TEST(ReadingSpeed, OfTokenizing) {
  const std::string tokenizer_file = SharedData("tokenizer/phi-2/tokenizer.json");
  if (tokenizer_file.empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
  ScratchFolder folder;
  const std::string lines = Lines();
  const std::string path = folder.Write("rows.jsonl", lines);
  const auto tokenizer = Tokenizer::FromFile(tokenizer_file).value();
  const ExampleFormat format{*PromptTemplate::Parse("user_assistant"), tokenizer.get(), 50256};
  int64_t tokens = 0;
  const auto encode = [&](int64_t, const Row& row) {
    tokens += static_cast<int64_t>(MakeExample(row, format).value().ids.size());
    return absl::OkStatus();
  };
  const double megabytes = static_cast<double>(lines.size()) / (1 << 20);
  const double speed =
      MegabytesPerSecond(megabytes, [&] { ASSERT_TRUE(ReadDataset(path, path, encode).ok()); });
  std::printf("reading and tokenizing %.1f MB/s, %ld tokens\n", speed, static_cast<long>(tokens));
}

}  // namespace
}  // namespace tune
