#include "recipe/data/object_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "recipe/data/nesting.h"

namespace tune {

absl::Status ObjectRows::Error(absl::string_view message) const {
  FieldErrors errors;
  errors.Add(absl::StrCat(name_, ":", line_, ":", column_), std::string(message));
  return errors.ToStatus(name_);
}

void ObjectRows::Use(absl::string_view text) {
  line_ += std::count(text.begin(), text.end(), '\n');
  const size_t newline = text.rfind('\n');
  column_ = newline == text.npos ? column_ + text.size() : text.size() - newline;
  bytes_.Use(text.size());
}

absl::Status ObjectRows::SkipSpace() {
  for (;;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
    const absl::string_view space = text.substr(0, text.find_first_not_of(" \t\r\n"));
    if (space.empty()) return absl::OkStatus();
    Use(space);
  }
}

absl::Status ObjectRows::CutObject(RowText* row) {
  Nesting nesting;
  for (bool ended = false; !ended;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
    if (text.empty()) {
      return Error(absl::StrCat("the file ends inside row ", number_, ", which began at ",
                                row->at.line, ":", row->at.column,
                                "; it is cut off, or a quote or bracket is missing"));
    }
    const auto last = std::find_if(text.begin(), text.end(), [&](char c) {
      nesting.Take(c);
      return nesting.outside();
    });
    ended = last != text.end();
    const absl::string_view piece = text.substr(0, last - text.begin() + (ended ? 1 : 0));
    row->too_long = row->too_long || row->text.size() + piece.size() > kMaxRowBytes;
    if (!row->too_long) row->text.append(piece.data(), piece.size());
    Use(piece);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ObjectRows::Next(RowText* row) {
  RETURN_IF_ERROR(SkipSpace());
  ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
  if (text.empty()) return false;
  if (text[0] != '{') {
    return Error(absl::StrCat("expected the next row, an object in braces, after row ", number_,
                              "; write one row a line, or an array of rows"));
  }
  *row = RowText{{++number_, line_, column_, RowForm::kElement}, "", false, ""};
  RETURN_IF_ERROR(CutObject(row));
  return true;
}

}  // namespace tune
