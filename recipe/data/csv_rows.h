// A table written as text (CSV, TSV), whose first record names the columns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/byte_source.h"
#include "recipe/data/csv_records.h"
#include "recipe/data/row_reader.h"
#include "recipe/data/table_columns.h"

namespace tune {

class CsvRows : public RowReader {
 public:
  // `bytes` begin with the header. INVALID_ARGUMENT where it has none of the `wanted` columns, or
  // one of them twice.
  static absl::StatusOr<std::unique_ptr<CsvRows>> Open(const std::string& name, BufferedBytes bytes,
                                                       char separator,
                                                       const std::vector<std::string>& wanted);

  // A record as a JSON object of texts: no cell is taken for a number or for nothing, "007" and
  // "NaN" stay, and an empty one is "". A record of more or fewer cells than the header has a
  // problem, and so has one that is no UTF-8.
  absl::StatusOr<bool> Next(RowText* row) override;

  std::vector<std::string> ColumnsLeftOut() const override { return columns_.left_out; }

 private:
  CsvRows(std::string name, BufferedBytes bytes, char separator)
      : records_(name, std::move(bytes), separator), name_(std::move(name)) {}

  absl::Status ReadHeader(const std::vector<std::string>& wanted);
  // "" for none.
  std::string ProblemOf(const CsvRecord& record) const;
  void Write(const CsvRecord& record, RowText* row) const;

  CsvRecords records_;
  const std::string name_;
  std::vector<std::string> names_;  // of all columns
  TableColumns columns_;
  int64_t number_ = 0;
};

}  // namespace tune
