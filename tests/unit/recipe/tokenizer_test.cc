#include "recipe/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "small_tokenizer.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kHe = 256, kThe = 257, kSpaceThe = 258, kIng = 260, kSpaceT = 261;
constexpr int kEnd = 262, kThreeSpaces = 263, kTwoSpaces = 264;

std::string ErrorOf(const SortedJson& json) {
  return std::string(Tokenizer::FromJson(json).status().message());
}

TEST(TokenizerTest, MergesByRankWithinWords) {
  const auto tokenizer = SmallTokenizer();
  EXPECT_THAT(tokenizer->Encode("the the"), ElementsAre(kThe, kSpaceThe));
  // "h e" ranks above " t": the pair of lower rank is joined first, wherever it stands.
  EXPECT_THAT(tokenizer->Encode(" tin"), ElementsAre(kSpaceT, 259));
  EXPECT_THAT(tokenizer->Encode("hehe"), ElementsAre(kHe, kHe));
  EXPECT_THAT(tokenizer->Encode("ing!"), ElementsAre(kIng, '!'));
  EXPECT_THAT(tokenizer->Encode(""), IsEmpty());
}

TEST(TokenizerTest, EqualRanksJoinFromTheLeft) {
  SortedJson json = SmallTokenizerJson();
  json["model"]["vocab"]["aa"] = 265;
  json["added_tokens"] = SortedJson::array();
  json["model"]["vocab"].erase("<|end|>");
  json["model"]["merges"].push_back("a a");
  const auto tokenizer = Tokenizer::FromJson(json);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->Encode("aaa"), ElementsAre(265, 'a'));
  EXPECT_THAT((*tokenizer)->Encode("aaaaa"), ElementsAre(265, 265, 'a'));
}

TEST(TokenizerTest, AddedTokensComeBeforeWordsLongestFirst) {
  const auto tokenizer = SmallTokenizer();
  EXPECT_THAT(tokenizer->Encode("the     the"), ElementsAre(kThe, kThreeSpaces, kTwoSpaces, kThe));
  EXPECT_THAT(tokenizer->Encode("a b"), ElementsAre('a', ' ', 'b'));
  EXPECT_THAT(tokenizer->Encode("the<|end|>the"), ElementsAre(kThe, kEnd, kThe));
}

TEST(TokenizerTest, OrdinaryTextHoldsNoSpecialTokens) {
  const auto tokenizer = SmallTokenizer();
  EXPECT_THAT(tokenizer->EncodeOrdinary("<|end|>  "),
              ElementsAre('<', '|', 'e', 'n', 'd', '|', '>', kTwoSpaces));
}

TEST(TokenizerTest, StripsTakeTheSpaceAround) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"][0]["lstrip"] = true;
  json["added_tokens"][0]["rstrip"] = true;
  const auto tokenizer = Tokenizer::FromJson(json).value();
  EXPECT_THAT(tokenizer->Encode("he \u3000<|end|>\n the"), ElementsAre(kHe, kEnd, kThe));
}

// Expected ids are HF tokenizers' (0.23).
TEST(TokenizerTest, SpaceTakenByATokenHoldsNoTokenThatTakesTheSpaceBeforeItself) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"][0]["rstrip"] = true;
  for (auto& token : json["added_tokens"]) token["normalized"] = false;  // all in one pass
  EXPECT_THAT(Tokenizer::FromJson(json).value()->Encode("a<|end|>   b"),
              ElementsAre('a', kEnd, kThreeSpaces, 'b'));
  for (const int spaces : {1, 2}) json["added_tokens"][spaces]["lstrip"] = true;
  const auto tokenizer = Tokenizer::FromJson(json).value();
  EXPECT_THAT(tokenizer->Encode("a<|end|>   b"), ElementsAre('a', kEnd, 'b'));
  EXPECT_THAT(tokenizer->Encode("<|end|>  <|end|>"), ElementsAre(kEnd, kEnd));
  EXPECT_THAT(tokenizer->Encode("a<|end|> \t  b"), ElementsAre('a', kEnd, 'b'));
  EXPECT_THAT(tokenizer->Encode("a<|end|>   <|end|>  b"), ElementsAre('a', kEnd, kEnd, 'b'));
  EXPECT_THAT(tokenizer->Encode("a  b"), ElementsAre('a', kTwoSpaces, 'b'));
}

TEST(TokenizerTest, InvalidUtf8IsReadAsReplacementCharacters) {
  const auto tokenizer = SmallTokenizer();
  EXPECT_EQ(tokenizer->Encode("a\xE2\x82z\xFF"), tokenizer->Encode("a\uFFFDz\uFFFD"));
}

TEST(TokenizerTest, DecodeReturnsTheText) {
  const auto tokenizer = SmallTokenizer();
  const std::string text = "the   thing<|end|> é 你好 \U0001F600\n\t";
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(text)), text);
  EXPECT_EQ(tokenizer->Decode({kThe, kEnd, kSpaceThe}, /*skip_special=*/true), "the the");
  EXPECT_EQ(tokenizer->Decode({0xE2, 0x82, 'a', -1, 100000}), "\uFFFDa");
}

TEST(TokenizerTest, NamesItsTokens) {
  const auto tokenizer = SmallTokenizer();
  EXPECT_EQ(tokenizer->size(), 265);
  EXPECT_EQ(tokenizer->IdOf("<|end|>"), kEnd);
  EXPECT_EQ(tokenizer->IdOf("nothing"), -1);
  EXPECT_EQ(tokenizer->TokenBytes(kSpaceThe), " the");
  EXPECT_EQ(tokenizer->TokenBytes(0xE2), "\xE2");
  EXPECT_EQ(tokenizer->TokenBytes(kThreeSpaces), "   ");
  EXPECT_EQ(tokenizer->TokenBytes(-1), "");
  EXPECT_EQ(tokenizer->TokenBytes(265), "");
}

TEST(TokenizerTest, BothFormsOfMergesMeanTheSame) {
  SortedJson json = SmallTokenizerJson();
  for (auto& merge : json["model"]["merges"]) {
    merge = std::vector<std::string>(absl::StrSplit(merge.get<std::string>(), ' '));
  }
  EXPECT_THAT(Tokenizer::FromJson(json).value()->Encode("the the"), ElementsAre(kThe, kSpaceThe));
}

TEST(TokenizerTest, IgnoreMergesTakesAWordOfTheVocabularyWhole) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"] = SortedJson::array();
  json["model"]["vocab"]["xyz"] = 300;
  EXPECT_THAT(Tokenizer::FromJson(json).value()->Encode("xyz"), ElementsAre('x', 'y', 'z'));
  json["model"]["ignore_merges"] = true;
  EXPECT_THAT(Tokenizer::FromJson(json).value()->Encode("xyz"), ElementsAre(300));
}

TEST(TokenizerTest, AddPrefixSpaceAndNoRegex) {
  SortedJson json = SmallTokenizerJson();
  json["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_THAT(Tokenizer::FromJson(json).value()->Encode("the<|end|>the the"),
              ElementsAre(kSpaceThe, kEnd, kSpaceThe, kSpaceThe));
  json["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  json["model"]["merges"].push_back("e Ġt");
  json["model"]["vocab"]["eĠt"] = 263;
  json["added_tokens"] = SortedJson::array();
  EXPECT_THAT(Tokenizer::FromJson(json).value()->Encode("e t"), ElementsAre(263));
}

std::string Repeat(const std::string& unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

TEST(TokenizerTest, LongRunsAreWhole) {
  const auto tokenizer = SmallTokenizer();
  const size_t n = 1 << 20;
  EXPECT_EQ(tokenizer->Encode(std::string(n, 'a')).size(), n);
  EXPECT_EQ(tokenizer->Encode(std::string(3 * n, ' ')).size(), n);
  EXPECT_EQ(tokenizer->Encode(std::string(n, '\n')).size(), n);
  EXPECT_THAT(tokenizer->Encode(Repeat("he", n)), Each(kHe));
  EXPECT_EQ(tokenizer->Encode(Repeat("\u0301", n)).size(), n);
}

// Seconds of processor time, the lesser of two.
double EncodeSeconds(const Tokenizer& tokenizer, const std::string& text) {
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 2; ++i) {
    const std::clock_t start = std::clock();
    EXPECT_FALSE(tokenizer.Encode(text).empty());
    least = std::min(least, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return least;
}

// Four times the text takes about four times as long; where time is quadratic, sixteen. One
// letter, white space, marks that combine, merges all along one word, and words of one kind.
void ExpectLinearTime(const Tokenizer& tokenizer, size_t bytes) {
  for (const std::string unit : {"a", " ", "\n", "\t", "\u0301", "he", "the", "ing", "1", "!",
                                 "e\u0301", "\xFF", "<|end|", "pneumonoultramicroscopic"}) {
    const double seconds = EncodeSeconds(tokenizer, Repeat(unit, bytes));
    const double of_four = EncodeSeconds(tokenizer, Repeat(unit, 4 * bytes));
    EXPECT_LT(of_four, 9 * std::max(seconds, 1e-3)) << unit << ": " << seconds << " s";
  }
}

TEST(TokenizerTest, LongRunsTakeLinearTime) {
  ExpectLinearTime(*SmallTokenizer(), size_t{1} << 18);
}

// Each of the tokens asks where the white space ends that it stands in.
TEST(TokenizerTest, TokensThatAreWhiteSpaceTakeLinearTime) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"].push_back(AddedTokenJson(265, "\u2028", false));
  json["added_tokens"][3]["rstrip"] = true;
  const auto tokenizer = Tokenizer::FromJson(json).value();
  EXPECT_THAT(tokenizer->Encode("\u2028\u2028\u2028a"), ElementsAre(265, 265, 265, 'a'));
  EXPECT_THAT(tokenizer->Encode("a\u2028 \u2028b"), ElementsAre('a', 265, 265, 'b'));
  const double seconds = EncodeSeconds(*tokenizer, Repeat("\u2028", 1 << 16));
  const double of_four = EncodeSeconds(*tokenizer, Repeat("\u2028", 1 << 18));
  EXPECT_LT(of_four, 9 * std::max(seconds, 1e-3));
}

// A long one is compared anew at every place where the text begins as it does.
TEST(TokenizerTest, RefusesALongAddedToken) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"].push_back(AddedTokenJson(265, std::string(1024, 'a'), false));
  EXPECT_TRUE(Tokenizer::FromJson(json).ok());
  json["added_tokens"][3]["content"] = std::string(1025, 'a');
  EXPECT_EQ(ErrorOf(json), "added_tokens[3].content: must be at most 1024 bytes, got 1025");
}

// The parts in which the tokenizers of other models differ; the first of them is named.
TEST(TokenizerTest, RefusesTheTokenizersOfOtherModels) {
  struct Kind {
    const char* model;
    SortedJson parts;
    const char* error;
  };
  for (const Kind& kind : {
           Kind{"BERT",
                {{"normalizer", {{"type", "BertNormalizer"}}},
                 {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                 {"model", {{"type", "WordPiece"}}}},
                "model.type: \"WordPiece\" is not supported, only BPE"},
           Kind{"T5",
                {{"pre_tokenizer", {{"type", "Metaspace"}}}, {"model", {{"type", "Unigram"}}}},
                "model.type: \"Unigram\" is not supported, only BPE"},
           Kind{"word level",
                {{"model", {{"type", "WordLevel"}}}},
                "model.type: \"WordLevel\" is not supported, only BPE"},
           Kind{"Llama 2",
                {{"normalizer", {{"type", "Sequence"}}}, {"pre_tokenizer", nullptr}},
                "normalizer.type: \"Sequence\" is not supported, only null"},
           Kind{"Llama 3",
                {{"pre_tokenizer", {{"type", "Sequence"}}}},
                "pre_tokenizer.type: \"Sequence\" is not supported, only ByteLevel"},
           Kind{"Qwen 2",
                {{"normalizer", {{"type", "NFC"}}}, {"pre_tokenizer", {{"type", "Sequence"}}}},
                "normalizer.type: \"NFC\" is not supported, only null"},
           Kind{"RoBERTa",
                {{"post_processor", {{"type", "RobertaProcessing"}}}},
                "post_processor.type: \"RobertaProcessing\" is not supported"},
       }) {
    SortedJson json = SmallTokenizerJson();
    for (const auto& [key, part] : kind.parts.items()) json[key] = part;
    EXPECT_THAT(ErrorOf(json), HasSubstr(kind.error)) << kind.model;
  }
}

TEST(TokenizerTest, RefusesOtherComponentsByName) {
  SortedJson json = SmallTokenizerJson();
  json["normalizer"] = {{"type", "NFC"}};
  EXPECT_THAT(ErrorOf(json), HasSubstr("normalizer.type: \"NFC\" is not supported, only null"));
  json = SmallTokenizerJson();
  json["model"]["type"] = "Unigram";
  EXPECT_THAT(ErrorOf(json), HasSubstr("model.type: \"Unigram\" is not supported, only BPE"));
  json = SmallTokenizerJson();
  json["pre_tokenizer"]["type"] = "Metaspace";
  EXPECT_THAT(ErrorOf(json), HasSubstr("pre_tokenizer.type: \"Metaspace\" is not supported"));
  json = SmallTokenizerJson();
  json["decoder"] = nullptr;
  EXPECT_THAT(ErrorOf(json), HasSubstr("decoder.type: \"null\" is not supported"));
  json = SmallTokenizerJson();
  json["post_processor"] = {{"type", "TemplateProcessing"}};
  EXPECT_THAT(ErrorOf(json), HasSubstr("post_processor.type: \"TemplateProcessing\""));
  EXPECT_THAT(ErrorOf(SortedJson::array()), HasSubstr("model.type"));
}

TEST(TokenizerTest, RefusesOptionsByName) {
  SortedJson json = SmallTokenizerJson();
  json["model"]["dropout"] = 0.1;
  EXPECT_EQ(ErrorOf(json), "model.dropout: 0.1 is not supported");
  json = SmallTokenizerJson();
  json["model"]["byte_fallback"] = true;
  EXPECT_EQ(ErrorOf(json), "model.byte_fallback: true is not supported");
  json = SmallTokenizerJson();
  json["added_tokens"][1]["single_word"] = true;
  EXPECT_EQ(ErrorOf(json), "added_tokens[1].single_word: is not supported");
}

TEST(TokenizerTest, RefusesABrokenVocabulary) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"] = SortedJson::array();
  json["model"]["vocab"].erase("a");
  EXPECT_THAT(ErrorOf(json), HasSubstr("model.vocab: has no token for the byte 97 (\"a\")"));
  json = SmallTokenizerJson();
  json["model"]["vocab"]["a"] = 98;
  EXPECT_EQ(ErrorOf(json), "model.vocab: \"a\" and \"b\" have the same id 98");
  json = SmallTokenizerJson();
  json["model"]["vocab"]["a"] = -1;
  EXPECT_THAT(ErrorOf(json), HasSubstr("model.vocab[\"a\"]: must be a whole number"));
  json = SmallTokenizerJson();
  json["model"]["merges"].push_back("q q");
  EXPECT_EQ(ErrorOf(json), "model.merges[6]: \"qq\" is not in model.vocab");
  json["model"]["merges"].back() = "qq";
  EXPECT_EQ(ErrorOf(json), "model.merges[6]: must be two tokens, got \"qq\"");
}

TEST(TokenizerTest, RefusesAddedTokensWhoseIdsContradict) {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"][0]["id"] = 7;
  EXPECT_EQ(ErrorOf(json), "added_tokens[0].id: is 7, but \"<|end|>\" has the id 262");
  json = SmallTokenizerJson();
  json["added_tokens"][2]["id"] = 300;
  EXPECT_EQ(ErrorOf(json), "added_tokens[2].id: is 300, but \"  \" would get the id 264");
  json = SmallTokenizerJson();
  json["added_tokens"][2]["content"] = "";
  EXPECT_EQ(ErrorOf(json), "added_tokens[2].content: must be a text, got \"\"");
}

TEST(TokenizerTest, ErrorsOfAFileNameIt) {
  ScratchFolder folder;
  const std::string path = folder / "tokenizer.json";
  ASSERT_TRUE(WriteFileDurably(path, "{\"model\": ").ok());
  EXPECT_THAT(std::string(Tokenizer::FromFile(path).status().message()),
              HasSubstr(path + ": line 1, column 11"));
  EXPECT_TRUE(absl::IsNotFound(Tokenizer::FromFile(folder / "none.json").status()));
}

class PhiTokenizerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = SharedData("tokenizer/phi-2/tokenizer.json");
    if (path.empty()) GTEST_SKIP() << "no real data; set TUNE_SHARED_DATA";
    auto tokenizer = Tokenizer::FromFile(path);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
};

// Inputs whose runs of spaces or tabs Phi-2 has added tokens for, GPT-2 none.
constexpr size_t kGoldenDiffers[] = {4, 5, 25, 26, 27, 28, 45};

struct Golden {
  std::string text;
  std::vector<int32_t> ids;
};

std::vector<Golden> Gpt2Golden() {
  const std::string path = "tokenizer/gpt2/golden/ggml-vocab-gpt-2.gguf";
  const std::string inputs = ReadFile(SharedData(path + ".inp")).value();
  const std::string outputs = ReadFile(SharedData(path + ".out")).value();
  const std::vector<std::string> texts = absl::StrSplit(inputs, "\n__ggml_vocab_test__\n");
  const std::vector<std::string> lines = absl::StrSplit(outputs, '\n');
  EXPECT_GE(texts.size(), 46u);
  std::vector<Golden> golden;
  for (size_t i = 0; i < 46; ++i) {
    Golden& entry = golden.emplace_back(Golden{texts[i], {}});
    for (const auto word : absl::StrSplit(lines[i], ' ', absl::SkipEmpty())) {
      EXPECT_TRUE(absl::SimpleAtoi(word, &entry.ids.emplace_back()));
    }
  }
  return golden;
}

TEST_F(PhiTokenizerTest, GivesTheGoldenIdsOfGpt2) {
  const std::vector<Golden> golden = Gpt2Golden();
  for (size_t i = 0; i < golden.size(); ++i) {
    if (std::count(std::begin(kGoldenDiffers), std::end(kGoldenDiffers), i)) continue;
    EXPECT_EQ(tokenizer_->Encode(golden[i].text), golden[i].ids) << i << ": " << golden[i].text;
  }
}

// GPT-2's own tokenizer: Phi-2's without the tokens added for runs of spaces and tabs.
TEST_F(PhiTokenizerTest, OfGpt2GivesAllOfItsGoldenIds) {
  const std::string text = ReadFile(SharedData("tokenizer/phi-2/tokenizer.json")).value();
  SortedJson json = ParseSortedJson(text).value();
  json["added_tokens"].erase(json["added_tokens"].begin() + 1, json["added_tokens"].end());
  ASSERT_EQ(json["added_tokens"][0]["content"], "<|endoftext|>");
  const auto gpt2 = Tokenizer::FromJson(json);
  ASSERT_TRUE(gpt2.ok()) << gpt2.status();
  for (const Golden& entry : Gpt2Golden()) {
    EXPECT_EQ((*gpt2)->Encode(entry.text), entry.ids) << entry.text;
  }
}

TEST_F(PhiTokenizerTest, LongRunsTakeLinearTime) { ExpectLinearTime(*tokenizer_, size_t{1} << 15); }

TEST_F(PhiTokenizerTest, HasTokensForRunsOfSpacesAndTabs) {
  for (int n = 2; n <= 31; ++n) {
    EXPECT_THAT(tokenizer_->Encode(std::string(n, ' ')), ElementsAre(50288 - n));
  }
  for (int n = 2; n <= 9; ++n) {
    EXPECT_THAT(tokenizer_->Encode(std::string(n, '\t')), ElementsAre(50296 - n));
  }
  EXPECT_THAT(tokenizer_->Encode(std::string(40, ' ')), ElementsAre(50288 - 31, 50288 - 9));
  EXPECT_THAT(tokenizer_->Encode("a   b\t\tc"), ElementsAre(64, 50285, 65, 50294, 66));
}

TEST_F(PhiTokenizerTest, EndOfTextIsSpecialOrText) {
  EXPECT_THAT(tokenizer_->Encode("<|endoftext|>"), ElementsAre(50256));
  EXPECT_THAT(tokenizer_->EncodeOrdinary("<|endoftext|>"),
              ElementsAre(27, 91, 437, 1659, 5239, 91, 29));
  EXPECT_EQ(tokenizer_->size(), 50295);
  EXPECT_EQ(tokenizer_->IdOf("<|endoftext|>"), 50256);
}

}  // namespace
}  // namespace tune
