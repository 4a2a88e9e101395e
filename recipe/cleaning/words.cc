#include "recipe/cleaning/words.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

namespace tune {
namespace {

enum class Kind : uint8_t { kBetween, kInside, kAlone };  // of words

Kind KindOf(UChar32 c) {
  const int breaking = u_getIntPropertyValue(c, UCHAR_LINE_BREAK);
  const bool unspaced = breaking == U_LB_COMPLEX_CONTEXT ||
                        breaking == U_LB_CONDITIONAL_JAPANESE_STARTER ||
                        u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC) ||
                        u_getIntPropertyValue(c, UCHAR_SCRIPT) == USCRIPT_HIRAGANA ||
                        u_getIntPropertyValue(c, UCHAR_SCRIPT) == USCRIPT_KATAKANA;
  if (unspaced) return u_isalnum(c) ? Kind::kAlone : Kind::kBetween;
  const bool mark = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
  return u_isalnum(c) || mark ? Kind::kInside : Kind::kBetween;
}

struct Character {
  Kind kind = Kind::kBetween;
  UChar32 lower = 0;
};

Character LookUp(UChar32 c) { return {KindOf(c), u_tolower(c)}; }

// What two bytes of UTF-8 can spell: Latin, Greek, Cyrillic, Hebrew, Arabic.
constexpr UChar32 kNear = 0x800;

std::array<Character, kNear> MakeNear() {
  std::array<Character, kNear> near;
  for (UChar32 c = 0; c < kNear; ++c) near[static_cast<size_t>(c)] = LookUp(c);
  return near;
}

// SplitMix64's finalizer: every bit of the input moves every bit of the output.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// FNV-1a over code points.
constexpr uint64_t kBasis = 0xCBF29CE484222325;
constexpr uint64_t kPrime = 0x100000001B3;
// Odd and of random bits: powers of it weigh a run's words.
constexpr uint64_t kPlace = 0x9E3779B97F4A7C15;

}  // namespace

std::vector<uint64_t> WordHashes(absl::string_view text) {
  static const std::array<Character, kNear> near = MakeNear();
  std::vector<uint64_t> words;
  uint64_t word = kBasis;
  const auto end_word = [&] {
    if (word != kBasis) words.push_back(Mix(word));
    word = kBasis;
  };
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(text.data(), i, size, c);
    const Character at = c < kNear ? near[static_cast<size_t>(c)] : LookUp(c);
    if (at.kind != Kind::kInside) end_word();
    if (at.kind != Kind::kBetween) word = (word ^ static_cast<uint64_t>(at.lower)) * kPrime;
    if (at.kind == Kind::kAlone) end_word();
  }
  end_word();
  return words;
}

std::vector<uint64_t> WordHashes(const std::vector<absl::string_view>& texts) {
  std::vector<uint64_t> words;
  for (const absl::string_view text : texts) {
    const std::vector<uint64_t> more = WordHashes(text);
    words.insert(words.end(), more.begin(), more.end());
  }
  return words;
}

std::vector<uint64_t> NgramHashes(const std::vector<uint64_t>& words, size_t size) {
  if (words.empty()) return {};
  size = std::min(size, words.size());
  uint64_t leaving = 1;  // what the first word of a run is weighed by
  for (size_t i = 1; i < size; ++i) leaving *= kPlace;
  std::vector<uint64_t> hashes;
  hashes.reserve(words.size() - size + 1);
  uint64_t run = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i >= size) run -= leaving * words[i - size];
    run = run * kPlace + words[i];
    if (i + 1 >= size) hashes.push_back(Mix(run));
  }
  return hashes;
}

}  // namespace tune
