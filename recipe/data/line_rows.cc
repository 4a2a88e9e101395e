#include "recipe/data/line_rows.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "base/status.h"

namespace tune {

absl::StatusOr<bool> LineRows::NextLine(RowText* row) {
  *row = RowText();
  for (bool ended = false; !ended;) {
    ASSIGN_OR_RETURN(const absl::string_view bytes, bytes_.Peek());
    if (bytes.empty()) break;
    const size_t newline = bytes.find('\n');
    const absl::string_view piece = bytes.substr(0, newline);
    ended = newline != bytes.npos;
    row->at.column = 1;
    row->Append(piece);
    bytes_.Use(piece.size() + (ended ? 1 : 0));
  }
  if (row->at.column == 0) return false;
  row->at.number = row->at.line = ++line_;
  if (row->text.ends_with('\r')) row->text.pop_back();
  return true;
}

absl::StatusOr<bool> LineRows::Next(RowText* row) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool some, NextLine(row));
    if (!some) return false;
    if (row->too_long || !absl::StripAsciiWhitespace(row->text).empty()) return true;
  }
}

}  // namespace tune
