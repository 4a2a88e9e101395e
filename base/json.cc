#include "base/json.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <type_traits>
#include <utility>
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
constexpr size_t kMaxDepth = 1000;

// The text as nlohmann reads it, noting how far it came: its events carry no position.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedText(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  CountedText& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  bool operator==(const CountedText& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// Builds a value from the parser's events. nlohmann's own builder, where it watches for
// keys that come twice, is quadratic in the values of a list, and in the keys of an
// ordered object; this one takes each value once.
template <class J>
class Builder {
 public:
  explicit Builder(absl::string_view text) : text_(text), reached_(text.data()) {}

  // Whether it is JSON; `json` is its value then.
  bool Build(J* json) {
    const bool whole = J::sax_parse(text_.data(), text_.data() + text_.size(), this);
    if (whole) *json = std::move(root_);
    return whole;
  }

  // Why it is none, reading it again: to note every byte's place takes half as long again.
  absl::Status Explain() {
    const char* end = text_.data() + text_.size();
    J::sax_parse(CountedText(text_.data(), &reached_), CountedText(end, &reached_), this);
    return absl::InvalidArgumentError(problem_);
  }

  // The parser's events; false ends it.
  bool null() { return Add(nullptr); }
  bool boolean(bool value) { return Add(value); }
  bool number_integer(int64_t value) { return Add(value); }
  bool number_unsigned(uint64_t value) { return Add(value); }
  bool number_float(double value, const std::string&) { return Add(value); }
  bool string(std::string& value) { return Add(std::move(value)); }
  bool binary(typename J::binary_t&) { return Fail("bytes are not JSON"); }
  bool start_array(size_t) { return Open(J::array()); }
  bool end_array() { return Close(std::move(open_.back().list)); }
  bool start_object(size_t) { return Open(J::object()); }
  bool end_object() { return Close(ObjectOf(std::move(open_.back().members))); }

  bool key(std::string& key) {
    if (!open_.back().keys.insert(key).second) {
      return Fail(absl::StrCat("key ", DumpJson(key), " comes twice in one object"));
    }
    open_.back().members.emplace_back(std::move(key), J());
    return true;
  }

  bool parse_error(size_t byte, const std::string& token, const typename J::exception& error) {
    const bool out_of_range = dynamic_cast<const typename J::out_of_range*>(&error) != nullptr;
    problem_ = out_of_range ? absl::StrCat(Position(text_, byte + 1 - token.size()),
                                           ": the number ", token, " is out of a double's range")
                            : absl::StrCat(Position(text_, byte), ": ", Reason(error.what()));
    return false;
  }

 private:
  using Members = std::vector<std::pair<std::string, J>>;

  // A list or an object whose end has not come.
  struct Unfinished {
    J list;  // not used for an object
    Members members;
    std::set<std::string> keys;
  };

  static J ObjectOf(Members members) {
    typename J::object_t object;
    if constexpr (std::is_same_v<J, Json>) object.reserve(members.size());
    for (auto& [key, value] : members) Append(std::move(key), std::move(value), &object);
    return J(std::move(object));
  }
  // Past the search for the key, which is known to be new.
  static void Append(std::string key, Json value, Json::object_t* object) {
    object->emplace_back(std::move(key), std::move(value));
  }
  static void Append(std::string key, SortedJson value, SortedJson::object_t* object) {
    object->emplace(std::move(key), std::move(value));
  }

  bool Add(J value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().list.is_array()) {
      open_.back().list.push_back(std::move(value));
    } else {
      open_.back().members.back().second = std::move(value);
    }
    return true;
  }

  bool Open(J empty) {
    if (open_.size() == kMaxDepth) {
      return Fail(absl::StrCat("nested deeper than ", kMaxDepth, " levels"));
    }
    open_.push_back({std::move(empty), {}, {}});
    return true;
  }

  bool Close(J value) {
    open_.pop_back();
    return Add(std::move(value));
  }

  bool Fail(absl::string_view problem) {
    problem_ = absl::StrCat(Position(text_, reached_ - text_.data()), ": ", problem);
    return false;
  }

  absl::string_view text_;
  const char* reached_;
  std::vector<Unfinished> open_;
  J root_;
  std::string problem_;
};

template <class J>
absl::StatusOr<J> Parse(absl::string_view text) {
  J json;
  if (!Builder<J>(text).Build(&json)) return Builder<J>(text).Explain();
  RETURN_IF_ERROR(CheckNoZeroByte(text));
  return json;
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
