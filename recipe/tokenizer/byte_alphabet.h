// GPT-2's spelling of bytes as printable characters, in which byte-level vocabularies
// are written (openai/gpt-2 src/encoder.py, bytes_to_unicode): "Ġthe" for " the".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tune {

// The character, as UTF-8, that stands for `byte`.
std::string ByteSpelling(uint8_t byte);

// The bytes that `spelling` (UTF-8) stands for; nothing where a character of it stands
// for no byte.
std::optional<std::string> SpelledBytes(absl::string_view spelling);

}  // namespace tune
