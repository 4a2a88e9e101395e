// The rows of a dataset file as texts of JSON, whatever form the file has, in bounded
// memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tune {

constexpr size_t kMaxRowBytes = size_t{16} << 20;

// Where a row stands. Numbers, lines and columns (bytes) from 1.
struct RowPlace {
  int64_t number = 0;  // of the line, or of the array's element
  int64_t line = 0;
  int64_t column = 0;
  bool in_array = false;
};

// "train.jsonl:17", or "train.json:40:5 (row 3)" for an array's; a column in the line is
// named where one is given.
std::string NameRow(const std::string& file, const RowPlace& at);
std::string NameRow(const std::string& file, const RowPlace& at, int64_t line, int64_t column);

struct RowText {
  RowPlace at;
  std::string text;
  bool too_long = false;  // above kMaxRowBytes; the text is not whole
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // False at the end of the file.
  virtual absl::StatusOr<bool> Next(RowText* row) = 0;
};

// Opens a file as OpenDecompressed does. Where its text begins with "[" it is one JSON array
// and each element a row; else it is JSON Lines and each line that is not blank one, its
// end "\n" or "\r\n". A byte order mark is left out. INVALID_ARGUMENT with field
// "NAME:LINE:COLUMN", from Next, where the array is not closed or something follows it.
absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name);

}  // namespace tune
