// The records of a table written as text: RFC 4180, with any separator of one byte.
//
// Arrow's reader of such files knows no lines, gives columns types of its own choice, and cannot
// pass over one bad record; the format is small enough to be read here.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "recipe/data/placed_bytes.h"
#include "recipe/data/row_reader.h"

namespace tune {

struct CsvRecord {
  RowPlace at;
  std::vector<std::string> cells;  // as written, their quotes taken off; the first max_cells
  size_t cell_count = 0;           // of all
  bool too_long = false;           // above kMaxRowBytes; the cells are not whole
  // The first cell, from 1, that has text after its closing quote; 0 for none.
  size_t ill_quoted = 0;
};

class CsvRecords {
 public:
  // `bytes` begin with the first record.
  CsvRecords(std::string name, BufferedBytes bytes, char separator)
      : bytes_(std::move(name), std::move(bytes)), ends_{separator, '\r', '\n'} {}

  // False at the end of the file. Records end at "\n", "\r\n" or "\r"; empty lines are none. In
  // quotes a cell may hold all of these and the separator, and a quote as two. INVALID_ARGUMENT
  // with the field "NAME:LINE:COLUMN" where the file ends inside quotes. Of cells beyond
  // `max_cells` the number alone is kept.
  absl::StatusOr<bool> Next(size_t max_cells, CsvRecord* record);

  absl::Status Error(absl::string_view message) const { return bytes_.Error(message); }

 private:
  absl::StatusOr<bool> ReadRecord(size_t max_cells, CsvRecord* record);
  // Reads a cell and the byte that ends it, '\0' at the end of the file.
  absl::StatusOr<char> ReadCell(CsvRecord* record, std::string* cell);
  absl::Status ReadQuoted(CsvRecord* record, std::string* cell);
  void Take(absl::string_view piece, CsvRecord* record, std::string* cell);

  PlacedBytes bytes_;
  const char ends_[3];
  size_t record_bytes_ = 0;  // of the record that is being read
  int64_t number_ = 0;
};

}  // namespace tune
