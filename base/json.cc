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

// Remembers the keys of every open object, to notice one that comes twice.
class DuplicateKeys {
 public:
  bool operator()(int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!open_.back().insert(key).second && duplicate_.empty()) duplicate_ = key;
    }
    return true;
  }
  const std::string& first() const { return duplicate_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string duplicate_;
};

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text) {
  DuplicateKeys duplicates;
  try {
    Json json = Json::parse(text.begin(), text.end(), std::ref(duplicates));
    if (!duplicates.first().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("key \"", duplicates.first(), "\" comes twice in one object"));
    }
    return json;
  } catch (const Json::parse_error& e) {
    return absl::InvalidArgumentError(absl::StrCat(Position(text, e.byte), ": ", Reason(e.what())));
  } catch (const Json::exception& e) {  // a number out of range
    return absl::InvalidArgumentError(Reason(e.what()));
  }
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
