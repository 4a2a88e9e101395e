#include "recipe/data/object_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "recipe/data/nesting.h"

namespace tune {

absl::Status ObjectRows::CutObject(RowText* row) {
  Nesting nesting;
  for (bool ended = false; !ended;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
    if (text.empty()) {
      return bytes_.Error(absl::StrCat("the file ends inside row ", number_, ", which began at ",
                                       row->at.line, ":", row->at.column,
                                       "; it is cut off, or a quote or bracket is missing"));
    }
    const auto last = std::find_if(text.begin(), text.end(), [&](char c) {
      nesting.Take(c);
      return nesting.outside();
    });
    ended = last != text.end();
    const absl::string_view piece = text.substr(0, last - text.begin() + (ended ? 1 : 0));
    row->Append(piece);
    bytes_.Use(piece);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ObjectRows::Next(RowText* row) {
  RETURN_IF_ERROR(bytes_.SkipSpace());
  ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
  if (text.empty()) return false;
  if (text[0] != '{') {
    return bytes_.Error(absl::StrCat("expected the next row, an object in braces, after row ",
                                     number_, "; write one row a line, or an array of rows"));
  }
  *row = RowText{{++number_, bytes_.line(), bytes_.column(), RowForm::kElement}, "", false, ""};
  RETURN_IF_ERROR(CutObject(row));
  return true;
}

}  // namespace tune
