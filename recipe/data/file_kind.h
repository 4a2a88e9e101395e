// What a dataset file is, told by how it begins.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "run/columns.h"

namespace tune {

enum class FileKind {
  kLines,     // JSON Lines, or what is taken for it
  kObjects,   // objects over several lines, or several on a line
  kArray,     // one array
  kWrapped,   // one array under a key of an object
  kDialogue,  // plain text of dialogues
  kTable,     // a table written as text, with a header
  kNoData,    // something else; `problem` says what, and what to do
};

struct FileStart {
  FileKind kind = FileKind::kLines;
  size_t prefix_bytes = 0;  // before the array, where it is wrapped
  char separator = ',';     // of a table's columns
  std::string problem = {};
};

// `begin` is the file's text, or the first 64 KiB of it; `whole` where it is all of it. A table is
// told by a header that has a key of `columns` or of a form of rows, its separator a comma, a
// semicolon or a tab; by its `name` (.csv, .tsv, maybe compressed); or by a line before the header
// that names the separator, as Excel has it (IsSeparatorLine). A list under such a key is a row's
// own. "sep=;", with any separator but a quote, a letter or a digit.
bool IsSeparatorLine(absl::string_view line);

FileStart TellFile(absl::string_view begin, bool whole, absl::string_view name,
                   const Columns& columns);

}  // namespace tune
