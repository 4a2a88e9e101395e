// Text in terminal cells: UTF-8 aware widths, and nothing that moves the cursor.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tune::client {

// Terminal cells of UTF-8 text: 0 for combining marks and what has no glyph, 2 for East Asian
// wide characters and emoji (Unicode 15, UAX #11), 1 for every other character and for what
// Sanitize replaces.
int DisplayWidth(absl::string_view text);

// Filled with spaces up to `width` cells; longer text stays as it is.
std::string PadRight(absl::string_view text, int width);
std::string PadLeft(absl::string_view text, int width);

// At most `width` cells, the last one an ellipsis where something was cut.
std::string Shorten(absl::string_view text, int width);

// One line broken at spaces into lines of at most `width` cells; those after the first begin with
// `indent` spaces. A word that is too long for a line stands on one of its own.
std::string Wrap(absl::string_view line, int width, int indent);

// Control characters other than newline and tab, and each maximal ill-formed subpart of UTF-8,
// replaced by U+FFFD, so that text from elsewhere (rows, samples, messages) cannot drive the
// terminal.
std::string Sanitize(absl::string_view text);

// The same on one line: newlines and tabs become spaces.
std::string SanitizeLine(absl::string_view text);

}  // namespace tune::client
