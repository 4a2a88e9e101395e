#include "client/text.h"

#include <utf8proc.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace tune::client {
namespace {

// What text begins with, and how wide that is.
struct Character {
  absl::string_view bytes;
  int width;
  bool printable;
};

Character FirstOf(absl::string_view text) {
  const Utf8Step step = NextUtf8(text);
  const absl::string_view bytes = text.substr(0, step.bytes);
  if (!step.valid) return {bytes, 1, false};
  const auto code = static_cast<utf8proc_int32_t>(FirstCodePoint(text).value);
  if (utf8proc_category(code) == UTF8PROC_CATEGORY_CC) return {bytes, 1, false};
  return {bytes, utf8proc_charwidth(code), true};
}

std::string Spaces(int count) { return std::string(std::max(0, count), ' '); }

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character c = FirstOf(text);
    width += c.width;
    text.remove_prefix(c.bytes.size());
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
    const Character c = FirstOf(text);
    used += c.width;
    if (used > width) break;
    absl::StrAppend(&kept, c.bytes);
    text.remove_prefix(c.bytes.size());
  }
  return width < 1 ? "" : kept + "…";
}

std::string Wrap(absl::string_view line, int width, int indent) {
  std::string wrapped;
  int used = 0;
  while (!line.empty()) {
    const size_t begin = std::min(line.find_first_not_of(' '), line.size());
    absl::string_view space = line.substr(0, begin);
    const absl::string_view word = line.substr(begin, line.find(' ', begin) - begin);
    line.remove_prefix(begin + word.size());
    const int cells = DisplayWidth(word);
    if (used > 0 && used + static_cast<int>(space.size()) + cells > width) {
      absl::StrAppend(&wrapped, "\n", Spaces(indent));
      used = indent;
      space = "";
    }
    absl::StrAppend(&wrapped, space, word);
    used += static_cast<int>(space.size()) + cells;
  }
  return wrapped;
}

std::string Sanitize(absl::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Character c = FirstOf(text);
    const bool stays = c.printable || c.bytes == "\n" || c.bytes == "\t";
    absl::StrAppend(&clean, stays ? c.bytes : "\xef\xbf\xbd");
    text.remove_prefix(c.bytes.size());
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
