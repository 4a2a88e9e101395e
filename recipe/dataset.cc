#include "recipe/dataset.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "base/status.h"
#include "recipe/json_fields.h"
#include "recipe/line_reader.h"
#include "recipe/row_formats.h"
#include "recipe/utf8.h"

namespace tune {
namespace {

constexpr size_t kMaxErrors = 20;
constexpr size_t kMaxMessageBytes = 300;

// A message can quote the row, which can be 16 MiB long.
std::string Shorten(const std::string& message) {
  if (message.size() <= kMaxMessageBytes) return message;
  return ReplaceInvalidUtf8(message.substr(0, kMaxMessageBytes)) + "…";
}

// The format of a dataset, and what is wrong with its rows.
class RowChecker {
 public:
  explicit RowChecker(std::string name) : name_(std::move(name)) {}

  // False, and an error noted, where the line holds no good row.
  bool Read(int64_t line, absl::string_view text, Row* row) {
    const auto json = ParseJson(text);
    if (!json.ok()) return NoteParseError(line, std::string(json.status().message()));
    if (!json->is_object()) return Note(At(line), NotAnObject(*json));
    if (format_ == nullptr && (format_ = FindRowFormat(*json)) != nullptr) format_line_ = line;
    if (format_ == nullptr || !HasKeysOf(*format_, *json)) return Note(At(line), WrongKeys(*json));
    FieldErrors errors;
    format_->read(*json, row, &errors);
    if (errors.empty()) return true;
    return Note(At(line), absl::StrJoin(errors.list(), "; ", [](auto* out, const FieldError& e) {
                  absl::StrAppend(out, e.field, ": ", e.message);
                }));
  }

  bool NoteTooLong(int64_t line) {
    return Note(At(line), absl::StrCat("is longer than ", LineReader::kMaxLineBytes >> 20, " MiB"));
  }

  std::string format() const { return std::string(format_ == nullptr ? "" : format_->name); }
  bool ok() const { return bad_rows_ == 0; }

  absl::Status ToStatus(int64_t rows) const {
    const int64_t more = bad_rows_ - static_cast<int64_t>(errors_.list().size());
    return errors_.ToStatus(
        absl::StrCat(name_, ": ", bad_rows_, " of ", rows, " rows cannot be used",
                     more > 0 ? absl::StrCat(" (the first ", kMaxErrors, " are named)") : ""));
  }

 private:
  std::string At(int64_t line) const { return absl::StrCat(name_, ":", line); }

  bool Note(std::string at, const std::string& message) {
    if (++bad_rows_ <= static_cast<int64_t>(kMaxErrors))
      errors_.Add(std::move(at), Shorten(message));
    return false;
  }

  // "line 1, column 17: reason" of one line: the column goes to where the row is named.
  bool NoteParseError(int64_t line, absl::string_view message) {
    constexpr absl::string_view kHead = "line 1, column ";
    const size_t colon = message.find(": ");
    if (!absl::StartsWith(message, kHead) || colon == message.npos) {
      return Note(At(line), std::string(message));
    }
    const absl::string_view column = message.substr(kHead.size(), colon - kHead.size());
    return Note(absl::StrCat(At(line), ":", column), std::string(message.substr(colon + 2)));
  }

  static std::string NotAnObject(const Json& json) {
    return absl::StrCat("a row must be an object, got ", DescribeJson(json),
                        json.is_array() ? "; write one object a line (JSON Lines)" : "");
  }

  std::string WrongKeys(const Json& json) const {
    std::vector<std::string> keys;
    for (const auto& item : json.items()) keys.push_back(absl::StrCat("\"", item.key(), "\""));
    const std::string has =
        absl::StrCat("has ", keys.empty() ? "no keys" : absl::StrJoin(keys, ", "), "; expected ");
    if (format_ == nullptr) return absl::StrCat(has, "one of: ", DescribeRowFormats());
    return absl::StrCat(has, DescribeKeys(*format_), " as line ", format_line_, " has");
  }

  std::string name_;
  const RowFormat* format_ = nullptr;
  int64_t format_line_ = 0;
  int64_t bad_rows_ = 0;
  FieldErrors errors_;
};

}  // namespace

absl::StatusOr<DatasetSummary> ReadDataset(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(int64_t line, const Row& row)>& on_row) {
  ASSIGN_OR_RETURN(LineReader lines, LineReader::Open(path));
  RowChecker checker(name);
  int64_t rows = 0;
  for (std::string line;;) {
    ASSIGN_OR_RETURN(const LineReader::Got got, lines.Next(&line));
    if (got == LineReader::Got::kEnd) break;
    const bool too_long = got == LineReader::Got::kTooLong;
    if (!too_long && absl::StripAsciiWhitespace(line).empty()) continue;
    ++rows;
    Row row;
    const bool good = too_long ? checker.NoteTooLong(lines.line_number())
                               : checker.Read(lines.line_number(), line, &row);
    if (good) RETURN_IF_ERROR(on_row(lines.line_number(), row));
  }
  if (!checker.ok()) return checker.ToStatus(rows);
  if (rows == 0) return absl::InvalidArgumentError(absl::StrCat(name, ": has no rows"));
  return DatasetSummary{checker.format(), rows};
}

}  // namespace tune
