#include "client/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <regex>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"

namespace tune::client {
namespace {

constexpr int kMaxDepth = 64;
constexpr int kMaxValues = 100000;  // aliases counted each time they are used
constexpr char kCoreTag[] = "tag:yaml.org,2002:";

std::string Place(const YAML::Mark& mark) {
  return mark.is_null() ? "1:1" : absl::StrCat(mark.line + 1, ":", mark.column + 1);
}

class Reader {
 public:
  Reader(absl::string_view name, YamlDocument& document) : name_(name), document_(document) {}

  absl::Status Read(const YAML::Node& node, const std::string& path, int depth, Json& out) {
    document_.places[path] = Place(node.Mark());
    if (depth > kMaxDepth) return Error(node, "nested too deeply");
    if (++values_ > kMaxValues) return Error(node, "too many values");
    switch (node.Type()) {
      case YAML::NodeType::Map:
        return ReadMap(node, path, depth, out);
      case YAML::NodeType::Sequence:
        return ReadSequence(node, path, depth, out);
      case YAML::NodeType::Scalar:
        return ReadScalar(node, out);
      default:
        out = nullptr;
        return absl::OkStatus();
    }
  }

 private:
  absl::Status Error(const YAML::Node& node, absl::string_view reason) const {
    return absl::InvalidArgumentError(absl::StrCat(name_, ":", Place(node.Mark()), ": ", reason));
  }

  absl::Status ReadMap(const YAML::Node& node, const std::string& path, int depth, Json& out) {
    out = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return Error(entry.first, "a key must be a plain text");
      const std::string& key = entry.first.Scalar();
      if (out.contains(key)) {
        return Error(entry.first, absl::StrCat("key \"", key, "\" comes twice"));
      }
      const std::string below = path.empty() ? key : absl::StrCat(path, ".", key);
      RETURN_IF_ERROR(Read(entry.second, below, depth + 1, out[key]));
    }
    return absl::OkStatus();
  }

  absl::Status ReadSequence(const YAML::Node& node, const std::string& path, int depth, Json& out) {
    out = Json::array();
    for (const auto& item : node) {
      const std::string below = absl::StrCat(path, "[", out.size(), "]");
      Json value;
      RETURN_IF_ERROR(Read(item, below, depth + 1, value));
      out.push_back(std::move(value));
    }
    return absl::OkStatus();
  }

  // Tags: "?" plain, "!" quoted, else what the author wrote.
  absl::Status ReadScalar(const YAML::Node& node, Json& out) {
    const std::string& tag = node.Tag();
    const std::string& text = node.Scalar();
    const bool is_text = tag == "!" || tag == absl::StrCat(kCoreTag, "str");
    out = is_text ? Json(text) : CoreSchemaScalar(text);
    if (out.is_number_float() && !std::isfinite(out.get<double>())) {
      return Error(node, absl::StrCat(text, " is not a finite number"));
    }
    if (is_text || tag == "?" || tag.empty()) return absl::OkStatus();
    const bool fits = (tag == absl::StrCat(kCoreTag, "int") && out.is_number_integer()) ||
                      (tag == absl::StrCat(kCoreTag, "float") && out.is_number()) ||
                      (tag == absl::StrCat(kCoreTag, "bool") && out.is_boolean()) ||
                      (tag == absl::StrCat(kCoreTag, "null") && out.is_null());
    return fits ? absl::OkStatus()
                : Error(node, absl::StrCat("\"", text, "\" does not fit the tag ", tag));
  }

  const absl::string_view name_;
  YamlDocument& document_;
  int values_ = 0;
};

Json Integer(absl::string_view digits, int base, const std::string& text) {
  int64_t value = 0;
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, base);
  if (result.ec == std::errc() && result.ptr == end) return value;
  double wide = 0;
  return base == 10 && absl::SimpleAtod(text, &wide) ? Json(wide) : Json(text);
}

bool MeansSomethingElse(const std::string& text) {
  static const std::regex kPlain("[A-Za-z0-9_/.][A-Za-z0-9_/. @+()-]*");
  return !std::regex_match(text, kPlain) || text.back() == ' ' ||
         !CoreSchemaScalar(text).is_string();
}

std::string ScalarText(const Json& json) {
  if (!json.is_string())
    return json.empty() && json.is_array()    ? "[]"
           : json.empty() && json.is_object() ? "{}"
                                              : DumpJson(json);
  const std::string text = json.get<std::string>();
  // JSON's escapes are all YAML double-quoted escapes (YAML 1.2, section 5.7).
  return text.empty() || MeansSomethingElse(text) ? DumpJson(json) : text;
}

bool IsNested(const Json& json) { return json.is_structured() && !json.empty(); }

void Write(const Json& json, int indent, std::string& out);

void WriteEntry(const Json& value, int indent, std::string& out) {
  if (IsNested(value)) {
    out += '\n';
    Write(value, indent, out);
  } else {
    absl::StrAppend(&out, " ", ScalarText(value), "\n");
  }
}

void Write(const Json& json, int indent, std::string& out) {
  const std::string margin(indent, ' ');
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      absl::StrAppend(&out, margin, ScalarText(key), ":");
      WriteEntry(value, indent + 2, out);
    }
    return;
  }
  for (const Json& value : json) {
    std::string item;
    WriteEntry(value, indent + 2, item);
    // The first entry of a nested value stands on the dash's own line.
    absl::StrAppend(&out, margin, "-",
                    IsNested(value) ? absl::StrCat(" ", item.substr(indent + 3)) : item);
  }
}

// YAML may be UTF-16 too, which says so with its first two bytes.
absl::Status CheckEncoding(const std::string& text, absl::string_view name) {
  if (absl::StartsWith(text, "\xFE\xFF") || absl::StartsWith(text, "\xFF\xFE")) {
    return absl::OkStatus();
  }
  const size_t valid = ValidUtf8Prefix(text);
  if (valid == text.size()) return absl::OkStatus();
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<int64_t>(valid), '\n');
  return absl::InvalidArgumentError(absl::StrCat(name, ":", line, ": ", Utf8Problem(text)));
}

}  // namespace

Json CoreSchemaScalar(const std::string& text) {
  static const std::set<std::string> kNull = {"", "~", "null", "Null", "NULL"};
  static const std::set<std::string> kTrue = {"true", "True", "TRUE"};
  static const std::set<std::string> kFalse = {"false", "False", "FALSE"};
  static const std::regex kInteger("[-+]?[0-9]+"), kOctal("0o[0-7]+"), kHex("0x[0-9a-fA-F]+");
  static const std::regex kFloat(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  static const std::regex kInfinite(R"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))");
  if (kNull.count(text)) return nullptr;
  if (kTrue.count(text)) return true;
  if (kFalse.count(text)) return false;
  if (text.size() > 400) return text;  // std::regex recurses; no number is that long
  if (std::regex_match(text, kInteger)) return Integer(text, 10, text);
  if (std::regex_match(text, kOctal)) return Integer(text.substr(2), 8, text);
  if (std::regex_match(text, kHex)) return Integer(text.substr(2), 16, text);
  if (std::regex_match(text, kInfinite)) {
    return absl::EqualsIgnoreCase(text, ".nan") ? NAN : INFINITY;
  }
  double value = 0;
  if (std::regex_match(text, kFloat) && absl::SimpleAtod(text, &value)) return value;
  return text;
}

absl::StatusOr<YamlDocument> ParseYaml(const std::string& text, absl::string_view name) {
  RETURN_IF_ERROR(CheckEncoding(text, name));
  YamlDocument document;
  try {
    const std::vector<YAML::Node> nodes = YAML::LoadAll(text);
    if (nodes.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ":", Place(nodes[1].Mark()), ": a second document; one is allowed"));
    }
    Reader reader(name, document);
    if (!nodes.empty()) RETURN_IF_ERROR(reader.Read(nodes[0], "", 0, document.value));
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(absl::StrCat(name, ":", Place(e.mark), ": ", e.msg));
  }
  return document;
}

std::string ToYaml(const Json& json) {
  if (!IsNested(json)) return ScalarText(json) + "\n";
  std::string out;
  Write(json, 0, out);
  return out;
}

}  // namespace tune::client
