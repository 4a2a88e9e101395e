#include "server/core/spec_fit.h"

#include <algorithm>
#include <map>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "run/known_settings.h"
#include "run/spec.h"

namespace tune::server {
namespace {

bool HasDefault(const std::string& path, const Json& value) {
  static const auto* const defaults = [] {
    auto* map = new std::map<std::string, Json>;
    for (const SpecField& field : SpecFields()) map->emplace(field.path, field.default_value);
    return map;
  }();
  const auto found = defaults->find(path);
  return value.is_null() || (found != defaults->end() && value == found->second);
}

// Whether an object at `path` is a field of its own, whose keys are no fields (columns).
bool IsMap(const std::string& path) {
  const std::vector<SpecField>& fields = SpecFields();
  return absl::c_any_of(fields, [&](const SpecField& f) { return f.path == path; }) &&
         absl::c_none_of(fields, [&](const SpecField& f) {
           return absl::StartsWith(f.path, absl::StrCat(path, "."));
         });
}

// PATH=VALUE of a value that came later than its field; empty of any other.
std::string LaterValue(const std::string& path, const Json& value) {
  if (!value.is_string()) return "";
  std::string setting = absl::StrCat(path, "=", value.get<std::string>());
  return absl::c_linear_search(KnownSettings(), setting) ? setting : "";
}

void AddFieldsSet(const Json& json, const std::string& prefix, std::vector<std::string>* paths) {
  for (const auto& [name, value] : json.items()) {
    const std::string path = absl::StrCat(prefix, name);
    if (HasDefault(path, value)) continue;
    if (!absl::c_linear_search(*paths, path)) paths->push_back(path);
    const std::string later = LaterValue(path, value);
    if (!later.empty()) paths->push_back(later);
    if (value.is_object() && !IsMap(path)) AddFieldsSet(value, path + ".", paths);
    if (!value.is_array()) continue;
    for (const Json& element : value) {
      if (element.is_object()) AddFieldsSet(element, path + "[].", paths);
    }
  }
}

bool IsKnown(const std::vector<std::string>& known, const std::string& path, const Json& value) {
  const std::string later = LaterValue(path, value);
  return absl::c_linear_search(known, path) &&
         (later.empty() || absl::c_linear_search(known, later));
}

void DropUnknownDefaults(const std::vector<std::string>& known, const std::string& prefix,
                         Json* json) {
  for (auto member = json->begin(); member != json->end();) {
    const std::string path = absl::StrCat(prefix, member.key());
    if (HasDefault(path, *member) && !IsKnown(known, path, *member)) {
      member = json->erase(member);
      continue;
    }
    if (member->is_object()) DropUnknownDefaults(known, path + ".", &*member);
    if (member->is_array()) {
      for (Json& element : *member) {
        if (element.is_object()) DropUnknownDefaults(known, path + "[].", &element);
      }
    }
    ++member;
  }
}

absl::StatusOr<Json> ParseSpec(const std::string& text) {
  auto json = ParseJson(text);
  if (json.ok() && json->is_object()) return json;
  return absl::DataLossError(
      absl::StrCat("the stored spec is no JSON object: ", json.status().message()));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FieldsSet(const std::string& spec_json) {
  ASSIGN_OR_RETURN(const Json spec, ParseSpec(spec_json));
  std::vector<std::string> paths;
  AddFieldsSet(spec, "", &paths);
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::StatusOr<std::string> SpecFor(const std::string& spec_json,
                                    const std::vector<std::string>& known) {
  ASSIGN_OR_RETURN(Json spec, ParseSpec(spec_json));
  const Json stored = spec;
  DropUnknownDefaults(known, "", &spec);
  return spec == stored ? spec_json : DumpJson(spec);
}

}  // namespace tune::server
