// Reading tokenizer.json (HF tokenizers' own format): what a byte-level BPE needs of it,
// and a refusal, by the component's name, of all else.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "recipe/tokenizer/added_tokens.h"

namespace tune {

struct TokenizerParts {
  std::vector<std::pair<std::string, int32_t>> vocab;  // as spelled; ids are distinct
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<AddedToken> added_tokens;
  bool ignore_merges = false;     // a word of the vocabulary is its token, whatever the merges
  bool add_prefix_space = false;  // text that begins with no space gets one
  bool use_regex = true;          // GPT-2's split; else a text is one word
};

// `truncation` and `padding` are the caller's business and passed over, so is a ByteLevel
// post-processor, which only changes offsets. INVALID_ARGUMENT, with the path inside the
// file ("model.type: …"), where something is missing, of the wrong type or unsupported.
absl::StatusOr<TokenizerParts> ReadTokenizerParts(const SortedJson& json);

}  // namespace tune
