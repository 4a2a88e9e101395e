#include "recipe/data/dataset.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "base/status.h"
#include "base/utf8.h"
#include "recipe/data/forms.h"
#include "recipe/data/message_tree.h"
#include "recipe/data/open_rows.h"
#include "recipe/data/row_json.h"

namespace tune {
namespace {

constexpr size_t kMaxErrors = 20;
constexpr size_t kMaxMessageBytes = 300;
constexpr char kRefusedRow[] = "tune/refused_row";

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

// What people's programs write that is no JSON, and what to do; "" where it is none of that.
std::string JsonAdvice(absl::string_view text) {
  if (absl::StartsWith(text, "{\'")) {
    return "; this is Python's way to print an object: write rows with json.dumps";
  }
  for (const absl::string_view word : {"NaN", "Infinity"}) {
    const size_t at = text.find(word);
    // Outside of a string, as far as the byte before it tells.
    const size_t before =
        at == text.npos || at == 0 ? text.npos : text.find_last_not_of(" -", at - 1);
    if (before != text.npos && absl::StrContains(":,[", text[before])) {
      return absl::StrCat("; ", word, " is not JSON: write null, or leave the key out");
    }
  }
  return "";
}

// Equal problems of many rows are told once, with the first row that has each.
class BadRows {
 public:
  explicit BadRows(std::string name) : name_(std::move(name)) {}

  void Add(std::string field, const std::string& message) {
    ++count_;
    const std::string text = Shorten(message);
    if (errors_.list().size() < kMaxErrors) errors_.Add(field, text);
    const auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                                   [&](const Kind& k) { return k.message == text; });
    if (kind != kinds_.end()) {
      ++kind->rows;
    } else if (kinds_.size() < kMaxErrors) {
      kinds_.push_back({std::move(field), text, 1});
    }
  }

  int64_t count() const { return count_; }
  const FieldErrors& errors() const { return errors_; }

  absl::Status ToStatus(int64_t rows, int64_t max_bad_rows) const {
    FieldErrors errors;
    int64_t told = 0;
    for (const Kind& kind : kinds_) {
      told += kind.rows;
      errors.Add(kind.field, kind.rows == 1 ? kind.message
                                            : absl::StrCat(kind.message, " (and ", kind.rows - 1,
                                                           kind.rows == 2 ? " row" : " rows",
                                                           " more with the same)"));
    }
    return errors.ToStatus(absl::StrCat(
        name_, ": ", count_, " of ", rows, " rows cannot be used",
        max_bad_rows > 0 ? absl::StrCat(", of which max_bad_rows allows ", max_bad_rows) : "",
        count_ > told ? absl::StrCat(" (the first ", kMaxErrors, " problems are named)") : ""));
  }

 private:
  struct Kind {
    std::string field;
    std::string message;
    int64_t rows;
  };

  const std::string name_;
  int64_t count_ = 0;
  FieldErrors errors_;  // of the first rows
  std::vector<Kind> kinds_;
};

// Texts of JSON as rows, and what there is to tell of them.
class RowParser {
 public:
  RowParser(std::string name, const DatasetOptions& options) : name_(std::move(name)), bad_(name_) {
    if (!options.columns.empty()) given_ = FormOf(options.columns);
  }

  // The rows of a record; none where it is malformed, which is noted, or where it is one of
  // several that make a row.
  std::vector<Row> Read(const RowText& text) {
    std::vector<Row> rows;
    records_ = {text.at.number};
    if (text.too_long) {
      Note(text.at, absl::StrCat("is longer than ", kMaxRowBytes >> 20, " MiB"));
    } else if (!text.problem.empty()) {
      Note(text.at, text.problem);
    } else if (text.text.empty()) {
      Note(text.at, "is missing; take out the comma around it");
    } else if (const auto json = ParseRow(text.text); json.ok()) {
      rows = ReadRecord(*json, text.at);
    } else {
      NoteParseError(text.at, text.text, json.status().message());
    }
    return rows;
  }

  // What the end of the file completes.
  std::vector<Row> Finish() { return ReadTree(trees_.Finish()); }

  // A row that was read and cannot be learned.
  void Refuse(const Row& row, absl::string_view why) {
    const auto form = summary_.forms.find(row.form);
    if (--form->second == 0) summary_.forms.erase(form);
    --summary_.rows;
    Note(row.at, std::string(why));
  }

  // The numbers of the records that gave the rows of the last Read or Finish.
  const std::vector<int64_t>& records() const { return records_; }
  const BadRows& bad() const { return bad_; }
  int64_t good_rows() const { return summary_.rows; }

  DatasetSummary Summary() && {
    summary_.bad_rows = bad_.count();
    summary_.bad_row_errors = bad_.errors().list();
    return std::move(summary_);
  }

 private:
  std::vector<Row> ReadRecord(const Json& json, const RowPlace& at) {
    if (!json.is_object()) {
      Note(at, absl::StrCat("a row must be an object, got ", json.is_array() ? "an array" : "a ",
                            json.is_array() ? "" : json.type_name(),
                            json.is_string() ? "; write {\"text\": …} to learn it whole" : ""));
      return {};
    }
    if (!given_ && MessageTrees::IsMessage(json)) return ReadTreeMessage(json, at);
    const Form* form = FormOfRow(json);
    if (form == nullptr) {
      Note(at, WrongKeys(json));
      return {};
    }
    if (first_ == nullptr) {
      first_ = form;
      first_at_ = at;
    }
    FieldErrors errors;
    FormRows read = ReadForm(*form, json, &errors);
    if (!errors.empty()) return NoteAll(at, errors);
    if (!read.dialogue_hint.empty() && ++summary_.like_dialogues == 1) {
      summary_.dialogue_hint = read.dialogue_hint;
    }
    for (const std::string& key : read.unread) CountUnread(key);
    return Counted(std::move(read.rows), at);
  }

  void CountUnread(const std::string& key) {
    std::map<std::string, int64_t>& keys = summary_.unread_keys;
    const bool kept = keys.size() < kMaxUnreadKeys || keys.count(key) > 0;
    ++(kept ? keys[key] : summary_.other_unread_keys);
  }

  const Form* FormOfRow(const Json& json) const {
    if (!given_) return FindForm(json);
    return Fits(*given_, json) ? &*given_ : nullptr;
  }

  // A flat message may complete the tree before its own.
  std::vector<Row> ReadTreeMessage(const Json& json, const RowPlace& at) {
    FieldErrors errors;
    std::vector<Row> rows = ReadTree(trees_.Add(json, &errors));
    if (!errors.empty()) {
      NoteAll(at, errors);
    } else {
      tree_records_.push_back(at.number);
    }
    if (json.value("parent_id", Json()).is_null()) tree_at_ = at;
    return rows;
  }

  std::vector<Row> ReadTree(const std::optional<Json>& tree) {
    if (!tree) return {};
    records_ = std::exchange(tree_records_, {});
    FieldErrors errors;
    std::vector<Row> rows;
    ReadMessageTree(*tree, "message", &rows, &errors);
    if (!errors.empty()) return NoteAll(tree_at_, errors);
    for (Row& row : rows) row.form = "message_tree";
    return Counted(std::move(rows), tree_at_);
  }

  std::vector<Row> Counted(std::vector<Row> rows, const RowPlace& at) {
    for (Row& row : rows) {
      row.at = at;
      ++summary_.forms[row.form];
      ++summary_.rows;
    }
    return rows;
  }

  void Note(const RowPlace& at, const std::string& message) {
    bad_.Add(NameRow(name_, at), message);
  }

  std::vector<Row> NoteAll(const RowPlace& at, const FieldErrors& errors) {
    Note(at, absl::StrJoin(errors.list(), "; ", [](auto* out, const FieldError& e) {
           absl::StrAppend(out, e.field, ": ", e.message);
         }));
    return {};
  }

  // The position inside the row becomes one inside the file.
  void NoteParseError(const RowPlace& at, absl::string_view text, absl::string_view message) {
    const ParseError error = TakeApart(message);
    if (error.line == 0) return Note(at, error.reason + JsonAdvice(text));
    const int64_t before = error.line == 1 ? at.column - 1 : 0;
    bad_.Add(NameRow(name_, at, at.line + error.line - 1, before + error.column),
             error.reason + JsonAdvice(text));
  }

  std::string WrongKeys(const Json& json) const {
    std::vector<std::string> keys;
    for (const auto& item : json.items()) {
      keys.push_back(absl::StrCat(DumpJson(item.key()), item.value().is_null() ? " (null)" : ""));
    }
    return absl::StrCat("has ", keys.empty() ? "no keys" : absl::StrJoin(keys, ", "), "; ",
                        Expected(json));
  }

  static std::vector<std::string> KeysOfTexts(const Json& json) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) {
      if (value.is_string()) keys.push_back(key);
    }
    return keys;
  }

  std::string Expected(const Json& json) const {
    if (given_) return absl::StrCat("expected ", DescribeParts(*given_), ", as columns says");
    if (first_ == nullptr) return AdviseForm(KeysOfTexts(json));
    return absl::StrCat("expected ", DescribeParts(*first_), " as ",
                        first_at_.form == RowForm::kLine ? "line " : "row ", first_at_.number,
                        " has");
  }

  const std::string name_;
  std::optional<Form> given_;
  const Form* first_ = nullptr;  // of the first row that has one
  RowPlace first_at_;
  MessageTrees trees_;
  RowPlace tree_at_;                   // of the root of the tree that is being read
  std::vector<int64_t> tree_records_;  // of its messages
  std::vector<int64_t> records_;
  BadRows bad_;
  DatasetSummary summary_;
};

using OnRows = std::function<absl::Status(const std::vector<Row>&, RowParser&)>;

absl::StatusOr<DatasetSummary> ReadAll(const std::string& path, const std::string& name,
                                       const OnRows& on_rows, const DatasetOptions& options) {
  ASSIGN_OR_RETURN(const auto reader, OpenRows(path, name, options.columns));
  RowParser parser(name, options);
  absl::Status taken;
  for (RowText text; taken.ok();) {
    ASSIGN_OR_RETURN(const bool some, reader->Next(&text));
    const std::vector<Row> rows = some ? parser.Read(text) : parser.Finish();
    if (!rows.empty()) taken = on_rows(rows, parser);
    if (!some) break;
  }
  if (!taken.ok() && taken != EnoughRows()) return taken;
  const int64_t bad = parser.bad().count();
  const int64_t rows = parser.good_rows() + bad;
  if (bad > options.max_bad_rows) return parser.bad().ToStatus(rows, options.max_bad_rows);
  if (rows == 0) return absl::InvalidArgumentError(absl::StrCat(name, ": has no rows"));
  if (parser.good_rows() == 0) return parser.bad().ToStatus(rows, 0);
  DatasetSummary summary = std::move(parser).Summary();
  summary.columns_left_out = reader->ColumnsLeftOut();
  return summary;
}

}  // namespace

absl::Status EnoughRows() { return absl::OutOfRangeError("enough rows"); }

absl::Status RefusedRow(const absl::Status& why) {
  absl::Status refused = why;
  refused.SetPayload(kRefusedRow, absl::Cord());
  return refused;
}

bool IsRefusedRow(const absl::Status& status) { return status.GetPayload(kRefusedRow).has_value(); }

std::string DatasetSummary::FormText() const {
  std::vector<std::pair<std::string, int64_t>> sorted(forms.begin(), forms.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (sorted.size() == 1) return sorted[0].first;
  return absl::StrJoin(sorted, ", ", absl::PairFormatter(" "));
}

std::vector<std::string> DatasetSummary::Notes() const {
  std::vector<std::string> notes;
  for (const auto& [key, count] : unread_keys) {
    notes.push_back(absl::StrCat(key, " is not read (", count, count == 1 ? " row)" : " rows)"));
  }
  if (other_unread_keys > 0) {
    notes.push_back(absl::StrCat(other_unread_keys, " more keys are not read"));
  }
  for (const std::string& column : columns_left_out) {
    notes.push_back(absl::StrCat(column, " is not read"));
  }
  if (const auto pairs = forms.find("preference"); pairs != forms.end()) {
    notes.push_back(absl::StrCat("of ", pairs->second, pairs->second == 1 ? " pair" : " pairs",
                                 " the chosen answer is learned, the rejected one passed over"));
  }
  if (like_dialogues > 0) {
    notes.push_back(
        absl::StrCat(like_dialogues, like_dialogues == 1 ? " text looks" : " texts look",
                     " like a dialogue (\"", dialogue_hint,
                     "\"), and all of it is learned, the questions too; to learn the answers "
                     "alone name the markers: --columns text=text,user_marker=…,bot_marker=…"));
  }
  return notes;
}

absl::StatusOr<DatasetSummary> ReadDataset(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(int64_t number, const Row& row)>& on_row,
    const DatasetOptions& options) {
  const auto on_rows = [&](const std::vector<Row>& rows, RowParser& parser) {
    for (const Row& row : rows) {
      const absl::Status taken = on_row(row.at.number, row);
      if (IsRefusedRow(taken)) {
        parser.Refuse(row, taken.message());
      } else if (!taken.ok()) {
        return taken == EnoughRows() ? taken : Annotate(taken, NameRow(name, row.at));
      }
    }
    return absl::OkStatus();
  };
  return ReadAll(path, name, on_rows, options);
}

absl::StatusOr<DatasetSummary> ReadRecords(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(const std::vector<int64_t>& records,
                                     const std::vector<Row>& rows)>& on_record,
    const DatasetOptions& options) {
  const auto on_rows = [&](const std::vector<Row>& rows, RowParser& parser) {
    return on_record(parser.records(), rows);
  };
  return ReadAll(path, name, on_rows, options);
}

}  // namespace tune
