// Bytes that know where in their file they stand, for readers of JSON that lines do not part.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "recipe/data/byte_source.h"

namespace tune {

inline constexpr absl::string_view kJsonSpace = " \t\r\n";

class PlacedBytes {
 public:
  // `name` is the file's, in errors.
  PlacedBytes(std::string name, BufferedBytes bytes)
      : name_(std::move(name)), bytes_(std::move(bytes)) {}

  absl::StatusOr<absl::string_view> Peek(size_t min = 1) { return bytes_.Peek(min); }
  // Leaves `text`, which begins what is not yet used, behind.
  void Use(absl::string_view text);
  absl::Status SkipSpace();

  // Of the next byte, from 1; columns are bytes.
  int64_t line() const { return line_; }
  int64_t column() const { return column_; }
  // INVALID_ARGUMENT with the field "NAME:LINE:COLUMN".
  absl::Status Error(absl::string_view message) const;

 private:
  std::string name_;
  BufferedBytes bytes_;
  int64_t line_ = 1;
  int64_t column_ = 1;
};

}  // namespace tune
