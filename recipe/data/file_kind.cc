#include "recipe/data/file_kind.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/git_lfs.h"
#include "recipe/data/forms.h"
#include "recipe/data/marked_text.h"
#include "recipe/data/nesting.h"

namespace tune {
namespace {

constexpr absl::string_view kSpace = " \t\r\n";
// Keys under which people wrap a list of rows, where the object is too long to see its end.
constexpr absl::string_view kWrappers[] = {"data",    "train",   "rows",   "examples",
                                           "records", "dataset", "samples"};

constexpr char kIsPandasTable[] =
    "is one object, a table as pandas' df.to_json() writes it; write a row a line: "
    "df.to_json(FILE, orient=\"records\", lines=True)";

// The text of a JSON string that `text` begins with, its quotes left out; nothing where it does
// not end.
std::optional<absl::string_view> Quoted(absl::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    if (i < text.size() && text[i] == '"') return text.substr(1, i - 1);
  }
  return std::nullopt;
}

// A place in JSON that is read as far as it tells what the whole is.
class JsonCursor {
 public:
  JsonCursor(absl::string_view text, size_t at) : text_(text), at_(at) {}

  // What comes next after space; '\0' at the end.
  char Next() {
    at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size());
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char wanted) {
    const bool is_there = Next() == wanted;
    if (is_there) ++at_;
    return is_there;
  }
  // A text in quotes; nothing where there is none, or it does not end.
  std::optional<absl::string_view> TakeText() {
    const auto quoted = Next() == '"' ? Quoted(text_.substr(at_)) : std::nullopt;
    if (quoted) at_ += quoted->size() + 2;
    return quoted;
  }
  // A text, a number, true, false or null.
  bool TakeScalar() {
    const char next = Next();
    if (next == '"') return TakeText().has_value();
    if (next == '{' || next == '[') return false;
    at_ = std::min(text_.find_first_of(",}", at_), text_.size());
    return at_ < text_.size();
  }
  size_t at() const { return at_; }

 private:
  const absl::string_view text_;
  size_t at_;
};

// Where a list of objects begins under a key of the object `text` begins with, scalars alone
// before it.
struct WrappedList {
  absl::string_view key;
  size_t at;  // of its "["
};

std::optional<WrappedList> FindWrapped(absl::string_view text) {
  JsonCursor cursor(text, text.find('{') + 1);
  do {
    const auto key = cursor.TakeText();
    if (!key || !cursor.Take(':')) return std::nullopt;
    if (cursor.Next() != '[') continue;
    JsonCursor inside(text, cursor.at() + 1);
    if (inside.Next() != '{') return std::nullopt;
    return WrappedList{*key, cursor.at()};
  } while (cursor.TakeScalar() && cursor.Take(','));
  return std::nullopt;
}

bool IsRowNumber(const std::optional<absl::string_view>& key) {
  return key && !key->empty() && key->find_first_not_of("0123456789") == key->npos;
}

// Whether an object begins as pandas' df.to_json() writes a table: columns or rows under their
// names, their values under row numbers.
bool IsPandasTable(absl::string_view text) {
  JsonCursor cursor(text, text.find('{') + 1);
  const auto outer = cursor.TakeText();
  if (!outer || !cursor.Take(':') || !cursor.Take('{')) return false;
  const auto inner = cursor.TakeText();
  if (IsRowNumber(outer)) return inner.has_value();
  if (!IsRowNumber(inner) || !cursor.Take(':') || !cursor.TakeScalar()) return false;
  return cursor.Take('}') || (cursor.Take(',') && IsRowNumber(cursor.TakeText()));
}

// Whether a row may have a list of objects there: messages, tools, pairs.
bool HoldsObjects(Part part) {
  constexpr Part kParts[] = {Part::kMessages, Part::kPrompt, Part::kResponse, Part::kChosen,
                             Part::kRejected, Part::kTools,  Part::kInstances};
  return std::find(std::begin(kParts), std::end(kParts), part) != std::end(kParts);
}

// Whether a list under this key is a row's own, such as its messages.
bool IsKeyOfRow(absl::string_view key, const Columns& columns) {
  if (!columns.empty()) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const auto& column) { return column.second == key; });
  }
  static const std::set<std::string> keys = [] {
    std::set<std::string> all;
    for (const Form& form : Forms()) {
      for (const PartKeys& part : form.parts) {
        if (HoldsObjects(part.part)) all.insert(part.keys.begin(), part.keys.end());
      }
    }
    return all;
  }();
  return keys.count(std::string(key)) > 0;
}

// Where the first object's text ends, or npos where that is not seen.
size_t EndOfObject(absl::string_view text, size_t begin) {
  Nesting nesting;
  for (size_t i = begin; i < text.size(); ++i) {
    nesting.Take(text[i]);
    if (nesting.outside()) return i + 1;
  }
  return text.npos;
}

FileStart TellObjects(absl::string_view text, size_t begin, bool whole, const Columns& columns) {
  const size_t end = EndOfObject(text, begin);
  const size_t line = text.find('\n', begin);
  const auto wrapped = FindWrapped(text);
  const bool only_one = end == text.npos || text.find_first_not_of(kSpace, end) == text.npos;
  if (only_one && IsPandasTable(text)) return {FileKind::kNoData, 0, ',', kIsPandasTable};
  const bool may_wrap = wrapped && !IsKeyOfRow(wrapped->key, columns);
  const FileStart as_wrapped{FileKind::kWrapped, may_wrap ? wrapped->at : 0};
  if (end == text.npos) {
    if (whole) return {};  // a bracket is missing: the first lines' errors say where
    if (line != text.npos) return may_wrap ? as_wrapped : FileStart{FileKind::kObjects};
    const bool usual =
        may_wrap && std::count(std::begin(kWrappers), std::end(kWrappers), wrapped->key) > 0;
    return usual ? as_wrapped : FileStart{};
  }
  const size_t next = text.find_first_not_of(kSpace, end);
  if (may_wrap && next == text.npos && whole) return as_wrapped;
  const bool several_lines = line < end;
  const bool glued = next != text.npos && text[next] == '{' && (line == text.npos || next < line);
  return {several_lines || glued ? FileKind::kObjects : FileKind::kLines};
}

std::string ProblemOf(absl::string_view text, absl::string_view name) {
  if (IsGitLfsPointer(text)) return kIsGitLfsPointer;
  if (text[0] == '<' && (absl::StrContains(absl::AsciiStrToLower(text.substr(0, 1024)), "<html") ||
                         absl::StartsWith(text, "<?xml"))) {
    return "is a web page, not data: a sign-in or an error page was saved in its place; download "
           "the file itself";
  }
  if (absl::EndsWithIgnoreCase(name, ".txt") || absl::EndsWithIgnoreCase(name, ".md")) {
    return "is plain text; write each document as a row of JSON, {\"text\": \"…\"}";
  }
  return "";
}

absl::string_view HeaderCell(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  const bool quoted = cell.size() > 1 && cell.front() == '"' && cell.back() == '"';
  return quoted ? cell.substr(1, cell.size() - 2) : cell;
}

// A header of at least two columns, of which one has a known key.
bool IsHeader(absl::string_view line, char separator, const std::vector<std::string>& keys) {
  const std::vector<absl::string_view> cells = absl::StrSplit(line, separator);
  return cells.size() > 1 && std::any_of(cells.begin(), cells.end(), [&](absl::string_view cell) {
           return std::find(keys.begin(), keys.end(), HeaderCell(cell)) != keys.end();
         });
}

// Whether the file is called so, compressed or not.
bool IsCalled(absl::string_view name, absl::string_view ending) {
  for (const absl::string_view compressed : {".gz", ".zst", ".zstd"}) {
    if (absl::EndsWithIgnoreCase(name, compressed)) name.remove_suffix(compressed.size());
  }
  return absl::EndsWithIgnoreCase(name, ending);
}

std::optional<FileStart> TellTable(absl::string_view text, absl::string_view name,
                                   const Columns& columns) {
  constexpr absl::string_view kSeparators = ",;\t";
  const absl::string_view line = text.substr(0, text.find_first_of("\r\n"));
  if (IsSeparatorLine(line)) return FileStart{FileKind::kTable, 0, line.back()};
  const std::vector<std::string> keys = WantedKeys(columns);
  for (const char separator : kSeparators) {
    if (IsHeader(line, separator, keys)) return FileStart{FileKind::kTable, 0, separator};
  }
  if (IsCalled(name, ".tsv")) return FileStart{FileKind::kTable, 0, '\t'};
  if (!IsCalled(name, ".csv")) return std::nullopt;
  const char most = *std::max_element(kSeparators.begin(), kSeparators.end(), [&](char a, char b) {
    return std::count(line.begin(), line.end(), a) < std::count(line.begin(), line.end(), b);
  });
  return FileStart{FileKind::kTable, 0, most};
}

FileStart TellText(absl::string_view text, absl::string_view name, const Columns& columns) {
  if (const auto table = TellTable(text, name, columns)) return *table;
  // A JSON text in quotes may hold anything.
  if (text[0] != '"' && FindMarkers(text)) return {FileKind::kDialogue};
  std::string problem = ProblemOf(text, name);
  return {problem.empty() ? FileKind::kLines : FileKind::kNoData, 0, ',', std::move(problem)};
}

}  // namespace

bool IsSeparatorLine(absl::string_view line) {
  return absl::ConsumePrefix(&line, "sep=") && line.size() == 1 && line[0] != '"' &&
         !absl::ascii_isalnum(static_cast<unsigned char>(line[0]));
}

FileStart TellFile(absl::string_view begin, bool whole, absl::string_view name,
                   const Columns& columns) {
  const size_t first = begin.find_first_not_of(kSpace);
  if (first == begin.npos) return {};
  if (begin[first] == '[') return {FileKind::kArray};
  if (begin[first] == '{') return TellObjects(begin, first, whole, columns);
  return TellText(begin.substr(first), name, columns);
}

}  // namespace tune
