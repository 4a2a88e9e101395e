// JSON objects one after the other, however they are spread over lines: indented ones, as jq
// prints them, or several on a line.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "recipe/data/byte_source.h"
#include "recipe/data/row_reader.h"

namespace tune {

class ObjectRows : public RowReader {
 public:
  ObjectRows(std::string name, BufferedBytes bytes)
      : name_(std::move(name)), bytes_(std::move(bytes)) {}

  // An object's text, not known to be JSON but for its brackets. INVALID_ARGUMENT with a field
  // "NAME:LINE:COLUMN" where something else than an object comes, or one does not end.
  absl::StatusOr<bool> Next(RowText* row) override;

 private:
  absl::Status SkipSpace();
  absl::Status CutObject(RowText* row);
  // Leaves `text`, which begins what is not yet used, behind.
  void Use(absl::string_view text);
  absl::Status Error(absl::string_view message) const;

  std::string name_;
  BufferedBytes bytes_;
  int64_t number_ = 0;
  int64_t line_ = 1;
  int64_t column_ = 1;
};

}  // namespace tune
