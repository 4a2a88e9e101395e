#include "recipe/data/open_rows.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
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

// A file as its first bytes tell it.
struct FileLook {
  TableFormat table = TableFormat::kNone;
  std::optional<BufferedBytes> text;  // where it is no such table, all of it
  FileStart start;                    // of the text
};

absl::StatusOr<FileLook> LookAt(const std::string& path, const std::string& name,
                                const Columns& columns) {
  FileLook look;
  // Parquet is read from its end, so a table must be the file itself and no stream.
  ASSIGN_OR_RETURN(look.table, FormatOfFile(path));
  if (look.table != TableFormat::kNone) return look;
  ASSIGN_OR_RETURN(auto source, OpenDecompressed(path, name));
  BufferedBytes& text = look.text.emplace(std::move(source));
  ASSIGN_OR_RETURN(const absl::string_view first, text.Peek(kTableMagicBytes));
  const TableFormat packed = TellTableFormat(first);
  if (packed != TableFormat::kNone) return PackedTable(name, packed);
  if (absl::StartsWith(first, kByteOrderMark)) text.Use(kByteOrderMark.size());
  ASSIGN_OR_RETURN(const absl::string_view begin, text.Peek(BufferedBytes::kBufferBytes));
  look.start = TellFile(begin, begin.size() < BufferedBytes::kBufferBytes, name, columns);
  return look;
}

absl::string_view NameOfKind(FileKind kind) {
  switch (kind) {
    case FileKind::kWrapped:
      return "wrapped";
    case FileKind::kObjects:
      return "objects";
    case FileKind::kDialogue:
      return "dialogue";
    case FileKind::kTable:
      return "csv";
    case FileKind::kArray:
    case FileKind::kLines:
    case FileKind::kNoData:
      return "";
  }
  return "";
}

std::string NameOfKind(TableFormat format) { return absl::AsciiStrToLower(NameOfFormat(format)); }

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name,
                                                    const Columns& columns) {
  ASSIGN_OR_RETURN(FileLook look, LookAt(path, name, columns));
  if (!look.text) return OpenTableRows({path, name, WantedKeys(columns), look.table});
  BufferedBytes& bytes = *look.text;
  switch (look.start.kind) {
    case FileKind::kArray:
      return std::make_unique<ArrayRows>(name, std::move(bytes));
    case FileKind::kWrapped:
      return std::make_unique<ArrayRows>(name, std::move(bytes), look.start.prefix_bytes);
    case FileKind::kObjects:
      return std::make_unique<ObjectRows>(name, std::move(bytes));
    case FileKind::kDialogue:
      return std::make_unique<DialogueRows>(std::move(bytes));
    case FileKind::kNoData:
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", look.start.problem));
    case FileKind::kTable:
      return CsvRows::Open(name, std::move(bytes), look.start.separator, WantedKeys(columns));
    case FileKind::kLines:
      return std::make_unique<LineRows>(std::move(bytes));
  }
  return absl::InternalError(absl::StrCat(name, ": of a kind that has no reader"));
}

absl::StatusOr<std::string> TellKindOfFile(const std::string& path, const std::string& name,
                                           const Columns& columns) {
  ASSIGN_OR_RETURN(const FileLook look, LookAt(path, name, columns));
  return look.text ? std::string(NameOfKind(look.start.kind)) : NameOfKind(look.table);
}

std::vector<std::string> KindsOfFiles(bool reads_tables) {
  std::vector<std::string> kinds;
  for (const FileKind kind :
       {FileKind::kWrapped, FileKind::kObjects, FileKind::kDialogue, FileKind::kTable}) {
    kinds.emplace_back(NameOfKind(kind));
  }
  if (!reads_tables) return kinds;
  for (const TableFormat format : {TableFormat::kParquet, TableFormat::kArrowFile}) {
    kinds.push_back(NameOfKind(format));
  }
  return kinds;
}

}  // namespace tune
