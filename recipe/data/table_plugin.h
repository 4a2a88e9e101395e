// Binary tables, Parquet and Arrow's own files, are read by a library of its own, loaded at the
// first such file: no program maps Arrow's 60 MB for other files, and all of them build and run
// without it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "recipe/data/row_reader.h"

namespace tune {

enum class TableFormat {
  kNone,
  kParquet,
  kArrowFile,    // Arrow's IPC file, also called Feather 2
  kArrowStream,  // Arrow's IPC stream, as Hugging Face's save_to_disk writes it
};
// By the first bytes of a file, at least kTableMagicBytes of them if it has so many.
constexpr size_t kTableMagicBytes = 6;
TableFormat TellTableFormat(absl::string_view first);
// "Parquet", "Arrow".
absl::string_view NameOfFormat(TableFormat format);

struct TableFile {
  std::string path;
  std::string name;               // begins errors
  std::vector<std::string> keys;  // the columns that are read, where the file has them
  TableFormat format = TableFormat::kParquet;
};

// What the plugin exports, under this name.
constexpr char kOpenTableSymbol[] = "TuneOpenTable";
using OpenTableFunction = void(const TableFile& file,
                               absl::StatusOr<std::unique_ptr<RowReader>>* rows);

constexpr char kTablePlugin[] = "libtune_tables.so";

// The function of `plugin`, a file that is looked for in ../lib beside the program.
// FAILED_PRECONDITION, with the loader's words, where it is not there or does not load: the host
// is to blame then, or the build, and no file.
absl::StatusOr<OpenTableFunction*> LoadTablePlugin(const std::string& plugin = kTablePlugin);

// The rows of a table, as recipe/data/tables reads them. INVALID_ARGUMENT where the file
// is damaged, encrypted or has none of the columns; FAILED_PRECONDITION as LoadTablePlugin.
absl::StatusOr<std::unique_ptr<RowReader>> OpenTableRows(const TableFile& file,
                                                         const std::string& plugin = kTablePlugin);

}  // namespace tune
