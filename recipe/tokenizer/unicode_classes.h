// The three classes of characters that the GPT-2 split tells apart, as HF tokenizers
// 0.23's regular expressions see them (Unicode 16; the table is made from the library
// itself by tests/oracle/make_unicode_classes.py).
#pragma once

#include <cstdint>

namespace tune {

enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace };  // else, \p{L}, \p{N}, \s

CharClass ClassOf(char32_t code_point);

}  // namespace tune
