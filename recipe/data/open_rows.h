// Which reader a dataset file has, told by its content.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/row_reader.h"
#include "run/columns.h"

namespace tune {

// Opens a Parquet file (parquet_plugin.h), or another as OpenDecompressed does, which is then what
// TellFile says (file_kind.h): JSON Lines, each line that is not blank a row, its end "\n" or
// "\r\n"; one JSON array, maybe under a key of an object; objects over several lines; or
// dialogues as plain text. A byte order mark is left out. INVALID_ARGUMENT where the file is no
// data, and, with field "NAME:LINE:COLUMN", from Next, where an array or an object is not closed
// or something follows it. Columns of a table that no form reads, or `columns` do not name, may be
// left out.
absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name,
                                                    const Columns& columns);

// What kind of file that is, for builds that read other kinds: "csv", "parquet". "" for JSON Lines
// and one array, which every release reads, and for what is no data. Errors are of reading it.
absl::StatusOr<std::string> TellKindOfFile(const std::string& path, const std::string& name,
                                           const Columns& columns);
// All of them but "", Parquet and Arrow among them in a build that reads tables.
std::vector<std::string> KindsOfFiles(bool reads_tables);

}  // namespace tune
