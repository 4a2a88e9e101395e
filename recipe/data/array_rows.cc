#include "recipe/data/array_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "recipe/data/nesting.h"

namespace tune {
namespace {

constexpr absl::string_view kSpace = " \t\r\n";

// How much of what follows a wrapped array is looked at.
constexpr size_t kMaxRestBytes = BufferedBytes::kBufferBytes;

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
  if (wrapped_) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek(prefix_bytes_));
    Use(text.substr(0, prefix_bytes_));
  }
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
  if (wrapped_) return EndWrapped();
  RETURN_IF_ERROR(SkipSpace());
  ASSIGN_OR_RETURN(const absl::string_view rest, bytes_.Peek());
  if (rest.empty()) return absl::OkStatus();
  return Error("the array ended before this; a file is one array of rows, or one row a line");
}

absl::Status ArrayRows::EndWrapped() {
  ASSIGN_OR_RETURN(const absl::string_view rest, bytes_.Peek(kMaxRestBytes));
  const size_t list = rest.find('[');
  const size_t element = list == rest.npos ? list : rest.find_first_not_of(kSpace, list + 1);
  if (element == rest.npos || rest[element] != '{') return absl::OkStatus();
  return Error(
      "a second list of rows follows; put each list (a training and a test set, say) into a file "
      "of its own");
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
    const auto end = std::find_if(text.begin(), text.end(), [&](char c) {
      if (nesting.outside() && (c == ',' || c == ']')) return true;
      nesting.Take(c);
      return false;
    });
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
