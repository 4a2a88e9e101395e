#include "client/yaml_reader.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"
#include "client/yaml_scalar.h"

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

}  // namespace tune::client
