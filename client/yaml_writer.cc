#include "client/yaml_writer.h"

#include <yaml-cpp/yaml.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "client/yaml_scalar.h"

namespace tune::client {
namespace {

// yaml-cpp quotes what would not stand as a plain scalar, but knows nothing of the core schema's
// numbers and bools, nor of the marks between documents.
bool MeansSomethingElse(const std::string& text) {
  return !CoreSchemaScalar(text).is_string() || absl::StartsWith(text, "---") ||
         absl::StartsWith(text, "...");
}

void EmitString(const std::string& text, YAML::Emitter& out) {
  if (MeansSomethingElse(text)) out << YAML::DoubleQuoted;
  out << ReplaceInvalidUtf8(text);
}

void Emit(const Json& json, YAML::Emitter& out) {
  if (json.is_structured() && json.empty()) out << YAML::Flow;  // [] and {} on the key's line
  if (json.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, value] : json.items()) {
      out << YAML::Key;
      EmitString(key, out);
      out << YAML::Value;
      Emit(value, out);
    }
    out << YAML::EndMap;
  } else if (json.is_array()) {
    out << YAML::BeginSeq;
    for (const Json& item : json) Emit(item, out);
    out << YAML::EndSeq;
  } else if (json.is_string()) {
    EmitString(json.get<std::string>(), out);
  } else if (json.is_null()) {
    out << YAML::Null;
  } else {
    out << DumpJson(json);  // numbers and bools, which YAML spells as JSON does
  }
}

}  // namespace

std::string ToYaml(const Json& json) {
  YAML::Emitter out;
  out.SetNullFormat(YAML::LowerNull);
  Emit(json, out);
  return absl::StrCat(out.c_str(), "\n");
}

}  // namespace tune::client
