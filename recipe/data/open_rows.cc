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
#include "recipe/data/parquet_plugin.h"

namespace tune {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr absl::string_view kParquetMagic = "PAR1";
absl::StatusOr<bool> IsParquet(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, OpenFileBytes(path));
  BufferedBytes bytes(std::move(file));
  ASSIGN_OR_RETURN(const absl::string_view first, bytes.Peek(kParquetMagic.size()));
  return absl::StartsWith(first, kParquetMagic);
}

absl::Status WrappedParquet(const std::string& name) {
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": is Parquet inside gzip or zstd; unpack it first: Parquet is compressed inside"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name,
                                                    const Columns& columns) {
  // Parquet is read from its end, so it must be the file itself and no stream.
  ASSIGN_OR_RETURN(const bool is_parquet, IsParquet(path));
  if (is_parquet) return OpenParquetRows({path, name, WantedKeys(columns)});
  ASSIGN_OR_RETURN(auto source, OpenDecompressed(path, name));
  BufferedBytes bytes(std::move(source));
  ASSIGN_OR_RETURN(const absl::string_view first, bytes.Peek(kParquetMagic.size()));
  if (absl::StartsWith(first, kParquetMagic)) return WrappedParquet(name);
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
