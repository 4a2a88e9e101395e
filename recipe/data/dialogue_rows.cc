#include "recipe/data/dialogue_rows.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "base/json.h"
#include "base/status.h"
#include "base/utf8.h"

namespace tune {
namespace {

constexpr absl::string_view kEnd = "<|endoftext|>";

}  // namespace

absl::StatusOr<bool> DialogueRows::NextText(RowText* row) {
  *row = RowText{{number_ + 1, line_, 1, RowForm::kElement}, "", false, ""};
  bool any = false;
  for (bool ended = false; !ended;) {
    ASSIGN_OR_RETURN(const absl::string_view bytes, bytes_.Peek(kEnd.size()));
    if (bytes.empty()) break;
    any = true;
    const size_t end = bytes.find(kEnd);
    ended = end != bytes.npos;
    // The last bytes may be the beginning of an end.
    const bool whole = bytes.size() < kEnd.size();
    const size_t taken = ended ? end : whole ? bytes.size() : bytes.size() - kEnd.size() + 1;
    row->Append(bytes.substr(0, taken));
    line_ += std::count(bytes.begin(), bytes.begin() + static_cast<int64_t>(taken), '\n');
    bytes_.Use(taken + (ended ? kEnd.size() : 0));
  }
  return any;
}

absl::StatusOr<bool> DialogueRows::Next(RowText* row) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool some, NextText(row));
    if (!some) return false;
    if (row->too_long || !absl::StripAsciiWhitespace(row->text).empty()) break;
  }
  ++number_;
  // The row begins where its text does, not at the empty lines before it.
  const size_t space = row->text.size() - absl::StripLeadingAsciiWhitespace(row->text).size();
  row->at.line += std::count(row->text.begin(), row->text.begin() + space, '\n');
  if (ValidUtf8Prefix(row->text) < row->text.size()) {
    row->problem = Utf8Problem(row->text);
  } else {
    row->text = DumpJson({{"text", row->text}});
  }
  return true;
}

}  // namespace tune
