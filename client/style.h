// Colour and glyphs of a stream, by what it can show.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tune::client {

// What a stream shows: a terminal or not, and how.
struct Screen {
  bool is_terminal = false;
  bool color = false;
  bool unicode = true;
  int width = 80;  // cells
};

// `flag` is --color's value. NO_COLOR (any value but empty) and TERM=dumb turn colour
// off, --color wins over both (no-color.org; clig.dev).
bool WantsColor(absl::string_view flag, bool is_terminal, const char* no_color, const char* term);

// From LC_ALL, LC_CTYPE and LANG in this order; where none is set, UTF-8.
bool WantsUnicode(const char* lc_all, const char* lc_ctype, const char* lang);

// Reads file descriptor and environment.
Screen DetectScreen(int fd, absl::string_view color_flag);

class Style {
 public:
  explicit Style(const Screen& screen) : color_(screen.color), unicode_(screen.unicode) {}

  std::string Bold(absl::string_view text) const { return Paint("1", text); }
  std::string Dim(absl::string_view text) const { return Paint("2", text); }
  std::string Red(absl::string_view text) const { return Paint("31", text); }
  std::string Green(absl::string_view text) const { return Paint("32", text); }
  std::string Yellow(absl::string_view text) const { return Paint("33", text); }
  std::string Cyan(absl::string_view text) const { return Paint("36", text); }
  // A state's name in its colour: green for what is well, red for what is not.
  std::string State(absl::string_view state) const;

  // `cells` wide, filled from the left in half cells; fraction outside 0..1 is clamped.
  std::string Bar(double fraction, int cells) const;

  // At most `cells` wide: the values averaged into as many buckets, from the lowest
  // to the highest glyph. Values that are not finite stand as "!".
  std::string Sparkline(const std::vector<double>& values, int cells) const;

 private:
  std::string Paint(const char* code, absl::string_view text) const;

  bool color_;
  bool unicode_;
};

}  // namespace tune::client
