#include "recipe/data/array_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "recipe/data/nesting.h"

namespace tune {
namespace {

// How much of what follows a wrapped array is looked at.
constexpr size_t kMaxRestBytes = BufferedBytes::kBufferBytes;

}  // namespace

absl::StatusOr<char> ArrayRows::Look() {
  ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
  return text.empty() ? '\0' : text[0];
}

absl::Status ArrayRows::Begin() {
  if (wrapped_) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek(prefix_bytes_));
    bytes_.Use(text.substr(0, prefix_bytes_));
  }
  RETURN_IF_ERROR(bytes_.SkipSpace());
  bytes_.Use("[");
  begun_ = true;
  RETURN_IF_ERROR(bytes_.SkipSpace());
  ASSIGN_OR_RETURN(const char next, Look());
  return next == ']' ? End() : absl::OkStatus();
}

absl::Status ArrayRows::End() {
  bytes_.Use("]");
  ended_ = true;
  if (wrapped_) return EndWrapped();
  RETURN_IF_ERROR(bytes_.SkipSpace());
  ASSIGN_OR_RETURN(const absl::string_view rest, bytes_.Peek());
  if (rest.empty()) return absl::OkStatus();
  return bytes_.Error(
      "the array ended before this; a file is one array of rows, or one row a line");
}

absl::Status ArrayRows::EndWrapped() {
  ASSIGN_OR_RETURN(const absl::string_view rest, bytes_.Peek(kMaxRestBytes));
  const size_t list = rest.find('[');
  const size_t element = list == rest.npos ? list : rest.find_first_not_of(kJsonSpace, list + 1);
  if (element == rest.npos || rest[element] != '{') return absl::OkStatus();
  return bytes_.Error(
      "a second list of rows follows; put each list (a training and a test set, say) into a file "
      "of its own");
}

absl::Status ArrayRows::CutElement(RowText* row) {
  Nesting nesting;
  for (bool ended = false; !ended;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
    if (text.empty()) {
      return bytes_.Error(absl::StrCat(
          "the array is not closed: the file ends inside row ", number_, ", which began at ",
          row->at.line, ":", row->at.column, "; it is cut off, or a quote or bracket is missing"));
    }
    const auto end = std::find_if(text.begin(), text.end(), [&](char c) {
      if (nesting.outside() && (c == ',' || c == ']')) return true;
      nesting.Take(c);
      return false;
    });
    ended = end != text.end();
    const absl::string_view piece = text.substr(0, end - text.begin());
    row->Append(piece);
    bytes_.Use(piece);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ArrayRows::Next(RowText* row) {
  if (!begun_) RETURN_IF_ERROR(Begin());
  if (ended_) return false;
  RETURN_IF_ERROR(bytes_.SkipSpace());
  *row = RowText{{++number_, bytes_.line(), bytes_.column(), RowForm::kElement}, "", false, ""};
  RETURN_IF_ERROR(CutElement(row));
  ASSIGN_OR_RETURN(const char next, Look());
  if (next == ']') {
    RETURN_IF_ERROR(End());
  } else {
    bytes_.Use(",");
  }
  return true;
}

}  // namespace tune
