// JSON objects one after the other, however they are spread over lines: indented ones, as jq
// prints them, or several on a line.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "recipe/data/placed_bytes.h"
#include "recipe/data/row_reader.h"

namespace tune {

class ObjectRows : public RowReader {
 public:
  ObjectRows(std::string name, BufferedBytes bytes) : bytes_(std::move(name), std::move(bytes)) {}

  // An object's text, not known to be JSON but for its brackets. INVALID_ARGUMENT with a field
  // "NAME:LINE:COLUMN" where something else than an object comes, or one does not end.
  absl::StatusOr<bool> Next(RowText* row) override;

 private:
  absl::Status CutObject(RowText* row);

  PlacedBytes bytes_;
  int64_t number_ = 0;
};

}  // namespace tune
