// A byte-level BPE of a few merges, for tests that need no real vocabulary.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "recipe/tokenizer/byte_alphabet.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {

inline std::string Spelling(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) out += ByteSpelling(static_cast<uint8_t>(c));
  return out;
}

inline SortedJson AddedTokenJson(int id, const std::string& content, bool special) {
  return {{"id", id},        {"content", content},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", !special}, {"special", special}};
}

// The byte b has the id b; the merges make 256 and on: "he", "the", " the", "in", "ing",
// " t"; then <|end|> (262, special) and runs of 3 and 2 spaces (263, 264).
inline SortedJson SmallTokenizerJson() {
  SortedJson vocab;
  for (int b = 0; b < 256; ++b) vocab[ByteSpelling(static_cast<uint8_t>(b))] = b;
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"h", "e"}, {"t", "he"}, {" ", "the"}, {"i", "n"}, {"in", "g"}, {" ", "t"}};
  SortedJson merges = SortedJson::array();
  for (const auto& [left, right] : pairs) {
    merges.push_back(absl::StrCat(Spelling(left), " ", Spelling(right)));
    vocab[Spelling(left + right)] = vocab.size();
  }
  vocab["<|end|>"] = 262;
  return {{"version", "1.0"},
          {"added_tokens",
           {AddedTokenJson(262, "<|end|>", true), AddedTokenJson(263, "   ", false),
            AddedTokenJson(264, "  ", false)}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

inline std::unique_ptr<Tokenizer> SmallTokenizer() {
  return Tokenizer::FromJson(SmallTokenizerJson()).value();
}

}  // namespace tune
