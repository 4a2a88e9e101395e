#include "recipe/data/array_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr absl::string_view kSpace = " \t\r\n";

// Follows the text of an element. Only strings and depth matter: the parser sees the rest.
class Nesting {
 public:
  // Whether `c`, the next byte, comes after the element.
  bool EndsAt(char c) {
    if (in_string_) {
      Quoted(c);
      return false;
    }
    if (depth_ == 0 && (c == ',' || c == ']')) return true;
    in_string_ = c == '"';
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && depth_ > 0) --depth_;
    return false;
  }

 private:
  void Quoted(char c) {
    if (c == '"' && !escaped_) in_string_ = false;
    escaped_ = c == '\\' && !escaped_;
  }

  int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace

absl::Status ArrayRows::Error(absl::string_view message) const {
  FieldErrors errors;
  errors.Add(absl::StrCat(name_, ":", line_, ":", column_), std::string(message));
  return errors.ToStatus(name_);
}

void ArrayRows::Use(absl::string_view text) {
  line_ += std::count(text.begin(), text.end(), '\n');
  const size_t newline = text.rfind('\n');
  column_ = newline == text.npos ? column_ + text.size() : text.size() - newline;
  bytes_.Use(text.size());
}

absl::StatusOr<char> ArrayRows::Look() {
  ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
  return text.empty() ? '\0' : text[0];
}

absl::Status ArrayRows::SkipSpace() {
  for (;;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
    const size_t other = text.find_first_not_of(kSpace);
    const absl::string_view space = text.substr(0, other);
    if (space.empty()) return absl::OkStatus();
    Use(space);
  }
}

absl::Status ArrayRows::Begin() {
  RETURN_IF_ERROR(SkipSpace());
  Use("[");
  begun_ = true;
  RETURN_IF_ERROR(SkipSpace());
  ASSIGN_OR_RETURN(const char next, Look());
  return next == ']' ? End() : absl::OkStatus();
}

absl::Status ArrayRows::End() {
  Use("]");
  ended_ = true;
  RETURN_IF_ERROR(SkipSpace());
  ASSIGN_OR_RETURN(const absl::string_view rest, bytes_.Peek());
  if (rest.empty()) return absl::OkStatus();
  return Error("the array ended before this; a file is one array of rows, or one row a line");
}

absl::Status ArrayRows::CutElement(RowText* row) {
  Nesting nesting;
  for (bool ended = false; !ended;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
    if (text.empty()) {
      return Error(absl::StrCat("the array is not closed: the file ends inside row ", number_,
                                ", which began at ", row->at.line, ":", row->at.column,
                                "; it is cut off, or a quote or bracket is missing"));
    }
    const auto end =
        std::find_if(text.begin(), text.end(), [&](char c) { return nesting.EndsAt(c); });
    ended = end != text.end();
    const absl::string_view piece = text.substr(0, end - text.begin());
    row->too_long = row->too_long || row->text.size() + piece.size() > kMaxRowBytes;
    if (!row->too_long) row->text.append(piece.data(), piece.size());
    Use(piece);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ArrayRows::Next(RowText* row) {
  if (!begun_) RETURN_IF_ERROR(Begin());
  if (ended_) return false;
  RETURN_IF_ERROR(SkipSpace());
  *row = RowText{{++number_, line_, column_, RowForm::kElement}, "", false, ""};
  RETURN_IF_ERROR(CutElement(row));
  ASSIGN_OR_RETURN(const char next, Look());
  if (next == ']') {
    RETURN_IF_ERROR(End());
  } else {
    Use(",");
  }
  return true;
}

}  // namespace tune
