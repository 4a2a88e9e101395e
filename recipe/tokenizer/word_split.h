// GPT-2's split of text into words, within which BPE merges, by hand:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// (openai/gpt-2 src/encoder.py; HF's ByteLevel pre-tokenizer).
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace tune {

// Bytes of the first word of `text`, which is well-formed UTF-8 and not empty. The
// lookahead sees the end of `text` as the end of everything.
size_t FirstWord(absl::string_view text);

}  // namespace tune
