#include "recipe/data/csv_rows.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "base/utf8.h"

namespace tune {
namespace {

// What a header may have: a table of more is none, and each costs memory.
constexpr size_t kMaxColumns = 10'000;

}  // namespace

absl::StatusOr<std::unique_ptr<CsvRows>> CsvRows::Open(const std::string& name, BufferedBytes bytes,
                                                       char separator,
                                                       const std::vector<std::string>& wanted) {
  std::unique_ptr<CsvRows> rows(new CsvRows(name, std::move(bytes), separator));
  RETURN_IF_ERROR(rows->ReadHeader(wanted));
  return rows;
}

absl::Status CsvRows::ReadHeader(const std::vector<std::string>& wanted) {
  CsvRecord header;
  RETURN_IF_ERROR(records_.Next(kMaxColumns, &header).status());
  // "sep=;" is read as two cells.
  if (header.cells == std::vector<std::string>{"sep=", ""}) {
    RETURN_IF_ERROR(records_.Next(kMaxColumns, &header).status());
  }
  if (header.too_long || header.cell_count > kMaxColumns) {
    return records_.Error(absl::StrCat("the header is no table's: it has ", header.cell_count,
                                       " columns; its first line must name the columns"));
  }
  for (const std::string& cell : header.cells) {
    const std::string problem = Utf8Problem(cell);
    if (!problem.empty()) return records_.Error(absl::StrCat("the header ", problem));
    names_.emplace_back(absl::StripAsciiWhitespace(cell));
  }
  ASSIGN_OR_RETURN(columns_, ChooseColumns(name_, names_, wanted));
  for (const int i : columns_.read) {
    if (std::count(names_.begin(), names_.end(), names_[i]) == 1) continue;
    return records_.Error(
        absl::StrCat("the header has \"", names_[i], "\" twice; rename one of the columns"));
  }
  return absl::OkStatus();
}

std::string CsvRows::ProblemOf(const CsvRecord& record) const {
  if (record.ill_quoted > 0 && record.ill_quoted <= names_.size()) {
    return absl::StrCat(names_[record.ill_quoted - 1],
                        ": has text after its closing quote; inside quotes a quote is written "
                        "twice");
  }
  if (record.cell_count != names_.size()) {
    return absl::StrCat("has ", record.cell_count, record.cell_count == 1 ? " cell" : " cells",
                        ", the header has ", names_.size(),
                        "; a cell that holds a separator or a line break must stand in quotes");
  }
  for (const int i : columns_.read) {
    const std::string problem = Utf8Problem(record.cells[i]);
    if (!problem.empty()) return absl::StrCat(names_[i], ": ", problem);
  }
  return "";
}

void CsvRows::Write(const CsvRecord& record, RowText* row) const {
  char before = '{';
  for (const int i : columns_.read) {
    row->Append(absl::StrCat(absl::string_view(&before, 1), DumpJson(names_[i]), ":"));
    row->Append(DumpJson(record.cells[i]));
    before = ',';
  }
  row->Append("}");
}

absl::StatusOr<bool> CsvRows::Next(RowText* row) {
  CsvRecord record;
  ASSIGN_OR_RETURN(const bool some, records_.Next(names_.size(), &record));
  if (!some) return false;
  *row = RowText{record.at, "", record.too_long, ""};
  row->at.number = ++number_;  // the header is no row
  if (record.too_long) return true;
  row->problem = ProblemOf(record);
  if (row->problem.empty()) Write(record, row);
  return true;
}

}  // namespace tune
