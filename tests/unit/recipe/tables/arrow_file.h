// Writing the Arrow files that tests read.
#pragma once

#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <string>

namespace tune {

struct ArrowOptions {
  bool stream = false;  // as Hugging Face's save_to_disk writes; else a file
  arrow::Compression::type compression = arrow::Compression::UNCOMPRESSED;
  int64_t batch_rows = 1000;
};

// A file's bytes, from the columns and a JSON array of the rows.
std::string ArrowOf(const arrow::FieldVector& columns, const std::string& rows,
                    const ArrowOptions& options = {});
// From an array of structs, whose fields are the columns.
std::string ArrowOf(const arrow::Array& rows, const ArrowOptions& options = {});

}  // namespace tune
