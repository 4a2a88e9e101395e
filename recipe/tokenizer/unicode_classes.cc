#include "recipe/tokenizer/unicode_classes.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace tune {
namespace {

struct Range {
  char32_t first;
  char32_t last;
  CharClass char_class;
};

constexpr Range kRanges[] = {
#include "recipe/tokenizer/unicode_classes.inc"
};

constexpr CharClass Search(char32_t code_point) {
  const Range* range = std::upper_bound(std::begin(kRanges), std::end(kRanges), code_point,
                                        [](char32_t c, const Range& r) { return c < r.first; });
  if (range == std::begin(kRanges) || code_point > (--range)->last) return CharClass::kOther;
  return range->char_class;
}

constexpr std::array<CharClass, 128> AsciiTable() {
  std::array<CharClass, 128> table{};
  for (char32_t c = 0; c < 128; ++c) table[c] = Search(c);
  return table;
}

constexpr std::array<CharClass, 128> kAscii = AsciiTable();

}  // namespace

CharClass ClassOf(char32_t code_point) {
  return code_point < 128 ? kAscii[code_point] : Search(code_point);
}

}  // namespace tune
