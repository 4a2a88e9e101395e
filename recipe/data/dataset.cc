#include "recipe/data/dataset.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "base/status.h"
#include "base/utf8.h"
#include "recipe/data/open_rows.h"
#include "recipe/data/row_formats.h"

namespace tune {
namespace {

constexpr size_t kMaxErrors = 20;
constexpr size_t kMaxMessageBytes = 300;

// A message can quote the row, which can be 16 MiB long.
std::string Shorten(const std::string& message) {
  if (message.size() <= kMaxMessageBytes) return message;
  return ReplaceInvalidUtf8(CutUtf8(message, kMaxMessageBytes)) + "…";
}

// "line 3, column 17: reason", as ParseJson has it, inside a row.
struct ParseError {
  int64_t line = 0;  // 0: the message names none
  int64_t column = 0;
  std::string reason;
};

ParseError TakeApart(absl::string_view message) {
  const ParseError whole{0, 0, std::string(message)};
  ParseError error;
  const auto take = [&](absl::string_view head, absl::string_view tail, int64_t* value) {
    const size_t end = message.find(tail);
    const bool found = end != message.npos && absl::ConsumePrefix(&message, head) &&
                       absl::SimpleAtoi(message.substr(0, end - head.size()), value);
    if (found) message.remove_prefix(end - head.size() + tail.size());
    return found;
  };
  if (!take("line ", ", ", &error.line) || !take("column ", ": ", &error.column)) return whole;
  error.reason = std::string(message);
  return error;
}

// The format of a dataset, and what is wrong with its rows.
class RowChecker {
 public:
  explicit RowChecker(std::string name) : name_(std::move(name)) {}

  // False, and an error noted, where the text holds no good row.
  bool Read(const RowText& text, Row* row) {
    row->at = text.at;
    if (text.too_long) {
      return Note(text.at, absl::StrCat("is longer than ", kMaxRowBytes >> 20, " MiB"));
    }
    if (!text.problem.empty()) return Note(text.at, text.problem);
    if (text.text.empty()) return Note(text.at, "is missing; take out the comma around it");
    const auto json = ParseJson(text.text);
    return json.ok() ? ReadJson(*json, row) : NoteParseError(text.at, json.status().message());
  }

  std::string format() const { return std::string(format_ == nullptr ? "" : format_->name); }
  int64_t bad_rows() const { return bad_rows_; }
  const FieldErrors& errors() const { return errors_; }

  absl::Status ToStatus(int64_t rows, int64_t max_bad_rows) const {
    const int64_t more = bad_rows_ - static_cast<int64_t>(errors_.list().size());
    return errors_.ToStatus(absl::StrCat(
        name_, ": ", bad_rows_, " of ", rows, " rows cannot be used",
        max_bad_rows > 0 ? absl::StrCat(", of which max_bad_rows allows ", max_bad_rows) : "",
        more > 0 ? absl::StrCat(" (the first ", kMaxErrors, " are named)") : ""));
  }

 private:
  bool ReadJson(const Json& json, Row* row) {
    if (!json.is_object()) return Note(row->at, NotAnObject(json));
    if (format_ == nullptr && (format_ = FindRowFormat(json)) != nullptr) first_ = row->at;
    if (format_ == nullptr || !HasKeysOf(*format_, json)) return Note(row->at, WrongKeys(json));
    FieldErrors errors;
    format_->read(json, row, &errors);
    if (errors.empty()) return true;
    return Note(row->at, absl::StrJoin(errors.list(), "; ", [](auto* out, const FieldError& e) {
                  absl::StrAppend(out, e.field, ": ", e.message);
                }));
  }

  bool Note(const RowPlace& at, const std::string& message) {
    return NoteAt(NameRow(name_, at), message);
  }

  bool NoteAt(std::string field, const std::string& message) {
    if (++bad_rows_ <= static_cast<int64_t>(kMaxErrors)) {
      errors_.Add(std::move(field), Shorten(message));
    }
    return false;
  }

  // The position inside the row becomes one inside the file.
  bool NoteParseError(const RowPlace& at, absl::string_view message) {
    const ParseError error = TakeApart(message);
    if (error.line == 0) return Note(at, error.reason);
    const int64_t before = error.line == 1 ? at.column - 1 : 0;
    return NoteAt(NameRow(name_, at, at.line + error.line - 1, before + error.column),
                  error.reason);
  }

  static std::string NotAnObject(const Json& json) {
    return absl::StrCat("a row must be an object, got ", DescribeJson(json));
  }

  std::string WrongKeys(const Json& json) const {
    std::vector<std::string> keys;
    for (const auto& item : json.items()) {
      keys.push_back(absl::StrCat(DumpJson(item.key()), item.value().is_null() ? " (null)" : ""));
    }
    const std::string has =
        absl::StrCat("has ", keys.empty() ? "no keys" : absl::StrJoin(keys, ", "), "; expected ");
    if (format_ == nullptr) return absl::StrCat(has, "one of: ", DescribeRowFormats());
    return absl::StrCat(has, DescribeKeys(*format_), " as ",
                        first_.form == RowForm::kLine ? "line " : "row ", first_.number, " has");
  }

  std::string name_;
  const RowFormat* format_ = nullptr;
  RowPlace first_;  // of the row that told the format
  int64_t bad_rows_ = 0;
  FieldErrors errors_;
};

}  // namespace

absl::Status EnoughRows() { return absl::OutOfRangeError("enough rows"); }

absl::StatusOr<DatasetSummary> ReadDataset(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(int64_t number, const Row& row)>& on_row,
    int64_t max_bad_rows) {
  ASSIGN_OR_RETURN(const auto reader, OpenRows(path, name, RowFormatKeys()));
  RowChecker checker(name);
  int64_t good_rows = 0;
  for (RowText text;;) {
    ASSIGN_OR_RETURN(const bool some, reader->Next(&text));
    if (!some) break;
    Row row;
    if (!checker.Read(text, &row)) continue;
    ++good_rows;
    const absl::Status taken = on_row(row.at.number, row);
    if (taken == EnoughRows()) break;
    RETURN_IF_ERROR(taken);
  }
  const int64_t rows = good_rows + checker.bad_rows();
  if (checker.bad_rows() > max_bad_rows) return checker.ToStatus(rows, max_bad_rows);
  if (rows == 0) return absl::InvalidArgumentError(absl::StrCat(name, ": has no rows"));
  if (good_rows == 0) return checker.ToStatus(rows, 0);
  return DatasetSummary{checker.format(), good_rows, checker.bad_rows(), checker.errors().list()};
}

}  // namespace tune
