#include "recipe/data/row_reader.h"

#include "absl/strings/str_cat.h"

namespace tune {

void RowText::Append(absl::string_view piece) {
  too_long = too_long || text.size() + piece.size() > kMaxRowBytes;
  if (!too_long) text.append(piece.data(), piece.size());
}

std::string NameRow(const std::string& file, const RowPlace& at) {
  if (at.form == RowForm::kLine) return absl::StrCat(file, ":", at.line);
  return NameRow(file, at, at.line, at.column);
}

std::string NameRow(const std::string& file, const RowPlace& at, int64_t line, int64_t column) {
  const std::string row = absl::StrCat(" (row ", at.number, ")");
  if (at.form == RowForm::kRecord) return file + row;
  const std::string place = absl::StrCat(file, ":", line, ":", column);
  return at.form == RowForm::kElement ? place + row : place;
}

}  // namespace tune
