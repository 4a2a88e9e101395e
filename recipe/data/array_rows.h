// One JSON array, read element by element: what it holds is never in memory at once.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "recipe/data/placed_bytes.h"
#include "recipe/data/row_reader.h"

namespace tune {

class ArrayRows : public RowReader {
 public:
  // `bytes` begin with "[", maybe after white space.
  ArrayRows(std::string name, BufferedBytes bytes) : bytes_(std::move(name), std::move(bytes)) {}
  // The array stands in an object, after `prefix_bytes` (at most BufferedBytes' buffer):
  // {"version": 1, "data": [. What else the object has may not be another list of rows.
  ArrayRows(std::string name, BufferedBytes bytes, size_t prefix_bytes)
      : bytes_(std::move(name), std::move(bytes)), prefix_bytes_(prefix_bytes), wrapped_(true) {}

  // An element's text goes to the "," or "]" that ends it, and is not known to be JSON; it
  // is empty where a row is missing between commas.
  absl::StatusOr<bool> Next(RowText* row) override;

 private:
  absl::Status Begin();
  // Where the array is closed, nothing but white space may follow.
  absl::Status End();
  absl::Status EndWrapped();
  // The text up to the "," or "]" outside of strings and brackets, which stays.
  absl::Status CutElement(RowText* row);
  // The next byte, or '\0' at the end of the file.
  absl::StatusOr<char> Look();

  PlacedBytes bytes_;
  size_t prefix_bytes_ = 0;
  bool wrapped_ = false;
  int64_t number_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace tune
