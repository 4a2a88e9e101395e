// Writing the Parquet files that tests read.
#pragma once

#include <arrow/type.h>
#include <parquet/properties.h>

#include <memory>
#include <string>

namespace tune {

struct ParquetOptions {
  parquet::Compression::type compression = parquet::Compression::SNAPPY;
  int64_t row_group_rows = 1000;
  bool checksums = false;
  std::shared_ptr<parquet::FileEncryptionProperties> encryption = nullptr;
};

// A file's bytes, from the columns and a JSON array of the rows.
std::string ParquetOf(const arrow::FieldVector& columns, const std::string& rows,
                      const ParquetOptions& options = {});
// From an array of structs, whose fields are the columns.
std::string ParquetOf(const arrow::Array& rows, const ParquetOptions& options = {});

}  // namespace tune
