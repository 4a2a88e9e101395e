// JSON Lines: a row a line.
#pragma once

#include "recipe/data/byte_source.h"
#include "recipe/data/row_reader.h"

namespace tune {

class LineRows : public RowReader {
 public:
  explicit LineRows(BufferedBytes bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<bool> Next(RowText* row) override;

 private:
  // The next line, be it blank; of one that is too long the rest is passed over.
  absl::StatusOr<bool> NextLine(RowText* row);

  BufferedBytes bytes_;
  int64_t line_ = 0;
};

}  // namespace tune
