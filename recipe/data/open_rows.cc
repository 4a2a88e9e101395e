#include "recipe/data/open_rows.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status.h"
#include "recipe/data/array_rows.h"
#include "recipe/data/byte_source.h"
#include "recipe/data/csv_rows.h"
#include "recipe/data/decompression.h"
#include "recipe/data/dialogue_rows.h"
#include "recipe/data/file_kind.h"
#include "recipe/data/forms.h"
#include "recipe/data/line_rows.h"
#include "recipe/data/object_rows.h"
#include "recipe/data/table_plugin.h"

namespace tune {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

absl::StatusOr<TableFormat> FormatOfFile(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, OpenFileBytes(path));
  BufferedBytes bytes(std::move(file));
  ASSIGN_OR_RETURN(const absl::string_view first, bytes.Peek(kTableMagicBytes));
  return TellTableFormat(first);
}

absl::Status PackedTable(const std::string& name, TableFormat format) {
  const absl::string_view table = NameOfFormat(format);
  return absl::InvalidArgumentError(absl::StrCat(name, ": is ", table,
                                                 " inside gzip or zstd; unpack it first: ", table,
                                                 " can be compressed inside"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name,
                                                    const Columns& columns) {
  // Parquet is read from its end, so a table must be the file itself and no stream.
  ASSIGN_OR_RETURN(const TableFormat format, FormatOfFile(path));
  if (format != TableFormat::kNone) {
    return OpenTableRows({path, name, WantedKeys(columns), format});
  }
  ASSIGN_OR_RETURN(auto source, OpenDecompressed(path, name));
  BufferedBytes bytes(std::move(source));
  ASSIGN_OR_RETURN(const absl::string_view first, bytes.Peek(kTableMagicBytes));
  const TableFormat packed = TellTableFormat(first);
  if (packed != TableFormat::kNone) return PackedTable(name, packed);
  if (absl::StartsWith(first, kByteOrderMark)) bytes.Use(kByteOrderMark.size());
  ASSIGN_OR_RETURN(const absl::string_view begin, bytes.Peek(BufferedBytes::kBufferBytes));
  const FileStart start =
      TellFile(begin, begin.size() < BufferedBytes::kBufferBytes, name, columns);
  switch (start.kind) {
    case FileKind::kArray:
      return std::make_unique<ArrayRows>(name, std::move(bytes));
    case FileKind::kWrapped:
      return std::make_unique<ArrayRows>(name, std::move(bytes), start.prefix_bytes);
    case FileKind::kObjects:
      return std::make_unique<ObjectRows>(name, std::move(bytes));
    case FileKind::kDialogue:
      return std::make_unique<DialogueRows>(std::move(bytes));
    case FileKind::kNoData:
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", start.problem));
    case FileKind::kTable:
      return CsvRows::Open(name, std::move(bytes), start.separator, WantedKeys(columns));
    case FileKind::kLines:
      return std::make_unique<LineRows>(std::move(bytes));
  }
  return absl::InternalError(absl::StrCat(name, ": of a kind that has no reader"));
}

}  // namespace tune
