// UTF-8 as the Unicode standard (chapter 3.9, table 3-7) and Rust's
// String::from_utf8_lossy read it.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace tune {

// What text begins with: a character, or a maximal subpart of an ill-formed one.
struct Utf8Step {
  size_t bytes;
  bool valid;
};
// `text` is not empty.
Utf8Step NextUtf8(absl::string_view text);

// Length of the longest prefix that is well-formed.
size_t ValidUtf8Prefix(absl::string_view text);
inline bool IsUtf8(absl::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

// "" where `text` is UTF-8; else what to tell its author: "must be UTF-8, but …" with the
// first byte that is not.
std::string Utf8Problem(absl::string_view text);

// The longest prefix of at most `max_bytes` that does not end inside a character. What was
// ill-formed in `text` stays so.
absl::string_view CutUtf8(absl::string_view text, size_t max_bytes);

// Each maximal ill-formed subpart replaced by one U+FFFD.
std::string ReplaceInvalidUtf8(absl::string_view text);

// The first character's code point; `text` is well-formed and not empty.
struct CodePoint {
  char32_t value;
  size_t bytes;
};
CodePoint FirstCodePoint(absl::string_view text);

void AppendUtf8(char32_t code_point, std::string* out);

}  // namespace tune
