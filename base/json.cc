#include "base/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"

namespace tune {
namespace {

std::string Position(absl::string_view text, size_t byte) {
  const absl::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  const size_t line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t start = before.rfind('\n');
  const size_t column = before.size() - (start == before.npos ? 0 : start + 1) + 1;
  return absl::StrCat("line ", line, ", column ", column);
}

// nlohmann's message without its "[json.exception...] parse error at ...: " head.
std::string Reason(const std::string& what) {
  const size_t colon = what.find(": ");
  return colon == std::string::npos ? what : what.substr(colon + 2);
}

// The parser takes a zero byte after a value for the end of the text.
absl::Status CheckNoZeroByte(absl::string_view text) {
  const size_t zero = text.find('\0');
  if (zero == text.npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Position(text, zero + 1), ": a zero byte is not JSON"));
}

// Copying and writing a value recurse, so depth is stack.
constexpr int kMaxDepth = 1000;

// Watches a value being parsed. Remembers the keys of every open object, to notice one
// that comes twice, and leaves out what is nested too deeply.
template <class J>
class Watcher {
 public:
  using Event = typename J::parse_event_t;

  bool operator()(int depth, Event event, J& value) {
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event == Event::key) NoteKey(value.template get_ref<const std::string&>());
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (!opens || depth < kMaxDepth) return true;
    if (problem_.empty()) problem_ = absl::StrCat("nested deeper than ", kMaxDepth, " levels");
    return false;
  }
  // "" where there was none.
  const std::string& problem() const { return problem_; }

 private:
  void NoteKey(const std::string& key) {
    if (open_.back().insert(key).second || !problem_.empty()) return;
    problem_ = absl::StrCat("key \"", key, "\" comes twice in one object");
  }

  std::vector<std::set<std::string>> open_;
  std::string problem_;
};

template <class J>
absl::StatusOr<J> Parse(absl::string_view text) {
  Watcher<J> watcher;
  try {
    J json = J::parse(text.begin(), text.end(), std::ref(watcher));
    if (!watcher.problem().empty()) return absl::InvalidArgumentError(watcher.problem());
    RETURN_IF_ERROR(CheckNoZeroByte(text));
    return json;
  } catch (const typename J::parse_error& e) {
    return absl::InvalidArgumentError(absl::StrCat(Position(text, e.byte), ": ", Reason(e.what())));
  } catch (const typename J::exception& e) {  // a number out of range
    return absl::InvalidArgumentError(Reason(e.what()));
  }
}

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text) { return Parse<Json>(text); }

absl::StatusOr<SortedJson> ParseSortedJson(absl::string_view text) {
  return Parse<SortedJson>(text);
}

absl::StatusOr<Json> ReadJsonFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto json = ParseJson(text);
  if (!json.ok()) return Annotate(json.status(), path);
  return json;
}

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tune
