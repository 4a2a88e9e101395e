// Parquet is read by a library of its own, loaded at the first such file: no program maps
// Arrow's 60 MB for other files, and all of them build and run without it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/row_reader.h"

namespace tune {

struct ParquetFile {
  std::string path;
  std::string name;               // begins errors
  std::vector<std::string> keys;  // the columns that are read, where the file has them
};

// The rows of a Parquet file, as recipe/data/parquet reads them. INVALID_ARGUMENT where the file
// is damaged, encrypted or has none of the columns, and where this build has no `plugin`, a
// file that is looked for in ../lib beside the program.
absl::StatusOr<std::unique_ptr<RowReader>> OpenParquetRows(
    const ParquetFile& file, const std::string& plugin = "libtune_parquet.so");

// What the plugin exports, under this name.
constexpr char kOpenParquetSymbol[] = "TuneOpenParquet";
using OpenParquetFunction = void(const ParquetFile& file,
                                 absl::StatusOr<std::unique_ptr<RowReader>>* rows);

}  // namespace tune
