// Which reader a dataset file has, told by its content.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/row_reader.h"

namespace tune {

// Opens a Parquet file (parquet_plugin.h), or another as OpenDecompressed does. Where its
// text begins with "[" it is one JSON array and each element a row; else it is JSON Lines and
// each line that is not blank one, its end "\n" or "\r\n". A byte order mark is left out.
// INVALID_ARGUMENT with field "NAME:LINE:COLUMN", from Next, where the array is not closed or
// something follows it. Columns of a table that are not in `keys` may be left out.
absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name,
                                                    const std::vector<std::string>& keys);

}  // namespace tune
