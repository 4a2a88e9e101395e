#include "recipe/row_reader.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status.h"
#include "recipe/array_rows.h"
#include "recipe/byte_source.h"
#include "recipe/decompression.h"
#include "recipe/line_rows.h"

namespace tune {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kLookAheadBytes = 4096;  // of white space before a "["

absl::StatusOr<bool> BeginsArray(BufferedBytes& bytes) {
  ASSIGN_OR_RETURN(const absl::string_view text, bytes.Peek(kLookAheadBytes));
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '[';
}

}  // namespace

std::string NameRow(const std::string& file, const RowPlace& at) {
  if (at.in_array) return NameRow(file, at, at.line, at.column);
  return absl::StrCat(file, ":", at.line);
}

std::string NameRow(const std::string& file, const RowPlace& at, int64_t line, int64_t column) {
  const std::string place = absl::StrCat(file, ":", line, ":", column);
  return at.in_array ? absl::StrCat(place, " (row ", at.number, ")") : place;
}

absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(const std::string& path,
                                                    const std::string& name) {
  ASSIGN_OR_RETURN(auto source, OpenDecompressed(path, name));
  BufferedBytes bytes(std::move(source));
  ASSIGN_OR_RETURN(const absl::string_view first, bytes.Peek(kByteOrderMark.size()));
  if (absl::StartsWith(first, kByteOrderMark)) bytes.Use(kByteOrderMark.size());
  ASSIGN_OR_RETURN(const bool is_array, BeginsArray(bytes));
  if (is_array) return std::make_unique<ArrayRows>(name, std::move(bytes));
  return std::make_unique<LineRows>(std::move(bytes));
}

}  // namespace tune
