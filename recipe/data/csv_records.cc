#include "recipe/data/csv_records.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune {

void CsvRecords::Take(absl::string_view piece, CsvRecord* record, std::string* cell) {
  record_bytes_ += piece.size();
  record->too_long = record->too_long || record_bytes_ > kMaxRowBytes;
  if (!record->too_long) cell->append(piece.data(), piece.size());
}

absl::Status CsvRecords::ReadQuoted(CsvRecord* record, std::string* cell) {
  const std::string began = absl::StrCat(bytes_.line(), ":", bytes_.column());
  bytes_.Use("\"");
  for (;;) {
    ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek(2));
    if (text.empty()) {
      return bytes_.Error(absl::StrCat("the file ends inside a cell in quotes, which began at ",
                                       began,
                                       "; its closing quote is missing, or the file is cut off"));
    }
    const size_t quote = text.find('"');
    const absl::string_view piece = text.substr(0, quote);
    Take(piece, record, cell);
    bytes_.Use(piece);
    if (quote == text.npos || (quote + 1 == text.size() && quote > 0)) continue;
    const bool doubled = text.substr(quote, 2) == "\"\"";
    bytes_.Use(doubled ? "\"\"" : "\"");
    if (!doubled) return absl::OkStatus();
    Take("\"", record, cell);
  }
}

absl::StatusOr<char> CsvRecords::ReadCell(CsvRecord* record, std::string* cell) {
  ASSIGN_OR_RETURN(absl::string_view text, bytes_.Peek());
  const bool quoted = !text.empty() && text[0] == '"';
  if (quoted) RETURN_IF_ERROR(ReadQuoted(record, cell));
  for (;;) {
    ASSIGN_OR_RETURN(text, bytes_.Peek());
    if (text.empty()) return '\0';
    const size_t end = text.find_first_of(absl::string_view(ends_, sizeof ends_));
    const absl::string_view piece = text.substr(0, end);
    if (quoted && !piece.empty() && record->ill_quoted == 0) {
      record->ill_quoted = record->cell_count + 1;
    }
    Take(piece, record, cell);
    const char last = end == text.npos ? '\0' : text[end];
    bytes_.Use(text.substr(0, end == text.npos ? end : end + 1));
    if (last != '\0' || end != text.npos) return last;
  }
}

absl::StatusOr<bool> CsvRecords::ReadRecord(size_t max_cells, CsvRecord* record) {
  ASSIGN_OR_RETURN(const absl::string_view text, bytes_.Peek());
  if (text.empty()) return false;
  *record = CsvRecord();
  record->at = {number_ + 1, bytes_.line(), bytes_.column(), RowForm::kElement};
  record_bytes_ = 0;
  for (char end = ends_[0]; end == ends_[0]; ++record->cell_count) {
    std::string cell;
    ASSIGN_OR_RETURN(end, ReadCell(record, &cell));
    if (record->cells.size() < max_cells) record->cells.push_back(std::move(cell));
  }
  return true;
}

absl::StatusOr<bool> CsvRecords::Next(size_t max_cells, CsvRecord* record) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool some, ReadRecord(max_cells, record));
    if (!some) return false;
    const bool blank = record->cell_count == 1 && record_bytes_ == 0;
    if (!blank) break;
  }
  ++number_;
  return true;
}

}  // namespace tune
