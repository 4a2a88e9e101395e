#include "worker/trainer/run/token_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/files.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"

namespace tune::trainer {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr int32_t kEnd = 256;

bool operator==(const Example& a, const Example& b) {
  return a.ids == b.ids && a.target == b.target && a.row == b.row;
}

bool SameErrors(const std::vector<FieldError>& a, const std::vector<FieldError>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const FieldError& x, const FieldError& y) {
                      return x.field == y.field && x.message == y.message;
                    });
}

void ExpectSame(const LoadedDataset& a, const LoadedDataset& b) {
  EXPECT_EQ(a.dataset, b.dataset);
  EXPECT_EQ(a.sha256, b.sha256);
  EXPECT_TRUE(std::equal(a.examples.begin(), a.examples.end(), b.examples.begin(),
                         b.examples.end(), operator==));
  EXPECT_TRUE(std::equal(a.held_out.begin(), a.held_out.end(), b.held_out.begin(),
                         b.held_out.end(), operator==));
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.target_tokens, b.target_tokens);
  EXPECT_EQ(a.truncated, b.truncated);
  EXPECT_EQ(a.dropped, b.dropped);
  EXPECT_EQ(a.without_targets, b.without_targets);
  EXPECT_EQ(a.held_out_unused, b.held_out_unused);
  EXPECT_EQ(a.beyond_max_rows, b.beyond_max_rows);
  EXPECT_EQ(a.bad_rows, b.bad_rows);
  EXPECT_TRUE(SameErrors(a.bad_row_errors, b.bad_row_errors));
  EXPECT_EQ(a.notes, b.notes);
}

class TokenCacheTest : public testing::Test {
 protected:
  TokenCacheTest() {
    EXPECT_TRUE(CreateDirectories(folder_).ok());
    EXPECT_TRUE(CreateDirectories(model_).ok());
    EXPECT_TRUE(WriteFileDurably(JoinPath(model_, "tokenizer.json"), ByteTokenizerJson()).ok());
    options_ = {.spec = &spec_,
                .format = {.prompt_template = PromptTemplate::Parse("plain").value(),
                           .tokenizer = tokenizer_.get(),
                           .eos = kEnd},
                .limit = {8, "truncate"},
                .holdout = 0.3,
                .max_held_out = 2,
                .cache = &cache_,
                .model_path = model_};
    source_.max_bad_rows = 5;
    // Rows that are kept, cut, held out, malformed, without targets, and a key that is not read.
    std::string rows = "no json\n";
    for (int i = 0; i < 40; ++i) {
      rows += DumpJson({{"prompt", std::string(i % 9, 'p')},
                        {"response", "r" + std::to_string(i)},
                        {"comment", i}}) +
              "\n";
    }
    EXPECT_TRUE(WriteFileDurably(scratch_ / "rows.jsonl", rows).ok());
  }

  LoadedDataset Load() {
    auto loaded = LoadDataset(scratch_ / "", source_, use_, options_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *std::move(loaded) : LoadedDataset{};
  }
  std::string Key() { return TokenKey(source_, std::string(64, 'a'), use_, options_); }
  std::vector<std::string> Kept() { return *ListDirectory(folder_); }

  ScratchFolder scratch_{ScratchFolder::Where::kMemory};
  const std::string folder_ = scratch_ / "cache", model_ = scratch_ / "model";
  const std::unique_ptr<Tokenizer> tokenizer_ =
      Tokenizer::FromJson(SortedJson::parse(ByteTokenizerJson())).value();
  TokenCache cache_{folder_};
  RunSpec spec_;
  RunDataset source_{"datasets/d", "rows.jsonl", ""};
  DatasetSource use_;
  DataOptions options_;
};

TEST_F(TokenCacheTest, WhatIsFoundIsWhatWasRead) {
  const LoadedDataset read = Load();
  ASSERT_THAT(Kept(), SizeIs(1));
  EXPECT_GT(read.truncated, 0);
  EXPECT_GT(read.without_targets, 0);
  EXPECT_GT(read.held_out_unused, 0);
  EXPECT_EQ(read.bad_rows, 1);
  EXPECT_THAT(read.notes, Not(IsEmpty()));
  ExpectSame(Load(), read);
}

TEST_F(TokenCacheTest, TheRowsAreNotReadAgain) {
  const LoadedDataset read = Load();
  LoadedDataset other = read;
  other.examples.resize(1);
  const std::string key = TokenKey(source_, read.sha256, use_, options_);
  cache_.Keep(key, other);
  EXPECT_THAT(Load().examples, SizeIs(1));
}

TEST_F(TokenCacheTest, AnotherDatasetOfTheSameContentKeepsItsName) {
  Load();
  source_.dataset = "datasets/copy";
  EXPECT_EQ(Load().dataset, "datasets/copy");
  EXPECT_THAT(Kept(), SizeIs(1));
}

TEST_F(TokenCacheTest, ADamagedFileIsReadAnew) {
  const LoadedDataset read = Load();
  const std::string path = JoinPath(folder_, Kept()[0]);
  const std::string whole = *ReadFile(path);
  const auto expect_read_anew = [&](const std::string& damaged) {
    ASSERT_TRUE(WriteFileDurably(path, damaged).ok());
    ExpectSame(Load(), read);
    EXPECT_EQ(*ReadFile(path), whole);
  };
  for (size_t at = 0; at < whole.size(); at += 97) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    expect_read_anew(flipped);
    expect_read_anew(whole.substr(0, at));
  }
  expect_read_anew(whole + "more");
}

// As a file that somebody wrote on purpose: lengths that lead beyond its end.
TEST_F(TokenCacheTest, AFileOfFalseLengthsIsNone) {
  Load();
  const std::string name = Kept()[0], key = name.substr(0, name.find('.'));
  const std::string whole = *ReadFile(JoinPath(folder_, name));
  for (size_t at = 8; at + 64 < whole.size(); at += 8) {
    std::string bytes = whole.substr(0, whole.size() - 64);
    for (int i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>(i == 7 ? 0x7f : 0xff);
    ASSERT_TRUE(WriteFileDurably(JoinPath(folder_, name), bytes + Sha256Hex(bytes)).ok());
    (void)cache_.Find(key);  // it need not find out, but must not fall
  }
}

TEST_F(TokenCacheTest, WithoutAFolderThereIsNone) {
  const LoadedDataset read = Load();
  options_.cache = nullptr;
  ExpectSame(Load(), read);
}

TEST_F(TokenCacheTest, WhereNothingCanBeWrittenTheRowsAreReadAllTheSame) {
  const LoadedDataset read = Load();
  const TokenCache nowhere(scratch_ / "not-there");
  options_.cache = &nowhere;
  ExpectSame(Load(), read);
}

TEST_F(TokenCacheTest, AFailureIsNotKept) {
  options_.limit.policy = "error";
  EXPECT_FALSE(LoadDataset(scratch_ / "", source_, use_, options_).ok());
  EXPECT_THAT(Kept(), IsEmpty());
}

TEST_F(TokenCacheTest, AllThatDecidesTheTokensIsInTheKey) {
  const std::string key = Key();
  std::set<std::string> keys = {key};
  const auto expect_new = [&](auto& field, auto value) {
    const auto before = std::exchange(field, value);
    EXPECT_TRUE(keys.insert(Key()).second);
    field = before;
  };
  expect_new(source_.path, "other.jsonl");
  expect_new(source_.max_bad_rows, 6);
  expect_new(use_.columns, Columns{{"prompt", "question"}});
  expect_new(use_.invert, 0.5);
  expect_new(options_.first_rows, 3);
  expect_new(options_.max_rows, 3);
  expect_new(options_.holdout, 0.1);
  expect_new(options_.max_held_out, 3);
  expect_new(options_.limit.max_length, 9);
  expect_new(options_.limit.policy, "drop");
  expect_new(options_.format.eos, 7);
  expect_new(spec_.prompt_template, "alpaca");
  expect_new(spec_.templates, std::vector<std::string>{"Do: {prompt}"});
  expect_new(spec_.train_on, "all");
  use_.max_rows = 3;
  options_.max_rows = 3;
  const std::string drawn = Key();
  spec_.seed = 1;
  EXPECT_NE(Key(), drawn) << "the seed decides which rows are drawn";
}

TEST_F(TokenCacheTest, TheModelsFilesAreInTheKeyButForItsWeights) {
  const std::string key = Key();
  ASSERT_TRUE(WriteFileDurably(JoinPath(model_, "model.safetensors"), "weights").ok());
  EXPECT_EQ(Key(), key);
  ASSERT_TRUE(WriteFileDurably(JoinPath(model_, "chat_template.jinja"), "{{ x }}").ok());
  EXPECT_NE(Key(), key);
}

TEST_F(TokenCacheTest, WhatOnlyDecidesTheTrainingIsNot) {
  const std::string key = Key();
  spec_.learning_rate = 1;
  spec_.epochs = 7;
  spec_.batch_size = 1;
  spec_.seed = 5;
  spec_.sample_prompts = {"Hello"};
  spec_.checkpoint_every = 3;
  source_.dataset = "datasets/other";
  use_.weight = 3;
  EXPECT_EQ(Key(), key);
}

}  // namespace
}  // namespace tune::trainer
