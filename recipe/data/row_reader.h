// The rows of a dataset file as texts of JSON, whatever form the file has, in bounded
// memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

constexpr size_t kMaxRowBytes = size_t{16} << 20;

// What a row is in its file.
enum class RowForm { kLine, kElement, kRecord };  // of JSON Lines, an array, a table

// Where a row stands. Numbers, lines and columns (bytes) from 1; a record has a number only.
struct RowPlace {
  int64_t number = 0;  // of the line, the element or the record
  int64_t line = 0;
  int64_t column = 0;
  RowForm form = RowForm::kLine;
};

// "train.jsonl:17", "train.json:40:5 (row 3)" for an array's, "train.parquet (row 17)" for a
// table's; a column in the line is named where one is given and there are lines.
std::string NameRow(const std::string& file, const RowPlace& at);
std::string NameRow(const std::string& file, const RowPlace& at, int64_t line, int64_t column);

struct RowText {
  RowPlace at;
  std::string text;
  bool too_long = false;  // above kMaxRowBytes; the text is not whole
  std::string problem;    // else why the row has no text, "" where it has

  // Adds to the text, or finds the row too long.
  void Append(absl::string_view piece);
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // False at the end of the file.
  virtual absl::StatusOr<bool> Next(RowText* row) = 0;
  // The columns of a table that are not in the rows' texts, since nobody reads them.
  virtual std::vector<std::string> ColumnsLeftOut() const { return {}; }
};

}  // namespace tune
