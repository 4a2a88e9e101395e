#include "client/text.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace tune::client {
namespace {

struct Range {
  uint32_t first, last;
};

// The blocks of combining and zero-width characters that names and samples use.
constexpr Range kZeroWidth[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489},   {0x0591, 0x05bd},  {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x0900, 0x0902}, {0x093c, 0x093c},   {0x0941, 0x0948},  {0x094d, 0x094d}, {0x0e31, 0x0e31},
    {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff},  {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x202a, 0x202e}, {0x2060, 0x2064},   {0x20d0, 0x20ff},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef}};

constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2614, 0x2615},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x2705, 0x2705},   {0x274c, 0x274c},
    {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f004, 0x1f004},
    {0x1f18e, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c},
    {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3e0, 0x1f3f0}, {0x1f400, 0x1f43e},
    {0x1f440, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f550, 0x1f567}, {0x1f5fb, 0x1f64f},
    {0x1f680, 0x1f6c5}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd}};

template <size_t N>
bool In(const Range (&ranges)[N], uint32_t c) {
  const Range* next = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                       [](uint32_t v, const Range& r) { return v < r.first; });
  return next != ranges && c <= std::prev(next)->last;
}

struct Character {
  uint32_t code = 0;
  int bytes = 1;
  bool valid = false;
};

int SequenceLength(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

Character Decode(absl::string_view text) {
  const uint8_t first = text[0];
  const int length = SequenceLength(first);
  if (length == 0 || static_cast<size_t>(length) > text.size()) return {first, 1, false};
  uint32_t code = length == 1 ? first : first & (0x7f >> length);
  for (int i = 1; i < length; ++i) {
    if ((text[i] & 0xc0) != 0x80) return {first, 1, false};
    code = code << 6 | (text[i] & 0x3f);
  }
  return {code, length, true};
}

int Width(const Character& c) {
  if (!c.valid) return 1;
  if (In(kZeroWidth, c.code)) return 0;
  return In(kWide, c.code) ? 2 : 1;
}

bool IsControl(const Character& c) {
  return !c.valid || c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0);
}

std::string Spaces(int count) { return std::string(std::max(0, count), ' '); }

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character c = Decode(text);
    width += Width(c);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string PadRight(absl::string_view text, int width) {
  return absl::StrCat(text, Spaces(width - DisplayWidth(text)));
}

std::string PadLeft(absl::string_view text, int width) {
  return absl::StrCat(Spaces(width - DisplayWidth(text)), text);
}

std::string Shorten(absl::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  std::string kept;
  int used = 1;
  while (!text.empty()) {
    const Character c = Decode(text);
    used += Width(c);
    if (used > width) break;
    absl::StrAppend(&kept, text.substr(0, c.bytes));
    text.remove_prefix(c.bytes);
  }
  return width < 1 ? "" : kept + "…";
}

std::string Sanitize(absl::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Character c = Decode(text);
    if (c.code == '\n' || c.code == '\t' || !IsControl(c)) {
      absl::StrAppend(&clean, text.substr(0, c.bytes));
    } else {
      clean += "\xef\xbf\xbd";
    }
    text.remove_prefix(c.bytes);
  }
  return clean;
}

std::string SanitizeLine(absl::string_view text) {
  std::string clean = Sanitize(text);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return clean;
}

}  // namespace tune::client
