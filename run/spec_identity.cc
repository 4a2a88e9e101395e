#include "run/spec_identity.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tune {
namespace {

// Sets the field at `path` in `json` where the objects around it are there and lack it.
void SetDefault(absl::string_view path, const Json& value, Json* json) {
  const size_t end = path.find_first_of(".[");
  const std::string name(path.substr(0, end));
  if (end == absl::string_view::npos) {
    if (!json->contains(name)) (*json)[name] = value;
    return;
  }
  const auto child = json->find(name);
  if (child == json->end()) return;
  absl::string_view rest = path.substr(end);
  if (absl::ConsumePrefix(&rest, ".")) {
    if (child->is_object()) SetDefault(rest, value, &*child);
  } else if (absl::ConsumePrefix(&rest, "[].") && child->is_array()) {
    for (Json& element : *child) {
      if (element.is_object()) SetDefault(rest, value, &element);
    }
  }
}

Json WithDefaults(Json fields) {
  if (!fields.is_object()) fields = Json::object();
  for (const SpecField& field : SpecFields()) {
    if (field.alters_result && !field.default_value.is_null()) {
      SetDefault(field.path, field.default_value, &fields);
    }
  }
  return fields;
}

}  // namespace

SpecIdentity IdentityOf(const RunSpec& spec) {
  const Json all = RunSpecToJson(spec);
  SpecIdentity identity{.fields = Json::object(), .defaults = {}};
  for (const SpecField& field : SpecFields()) {
    const auto value = all.find(field.path);  // members come with the field around them
    if (!field.alters_result || value == all.end()) continue;
    identity.fields[field.path] = *value;
    if (*value == field.default_value) identity.defaults.push_back(field.path);
  }
  return identity;
}

std::vector<std::string> IdentityDifferences(const SpecIdentity& stored, const SpecIdentity& ours) {
  std::vector<std::string> differences;
  const Json theirs = WithDefaults(stored.fields);
  for (const auto& [name, value] : ours.fields.items()) {
    const Json other = theirs.value(name, Json());
    if (other == value) continue;
    differences.push_back(absl::StrCat(name, ": the checkpoint has ", DumpJson(other),
                                       ", this run ", DumpJson(value)));
  }
  for (const auto& [name, value] : theirs.items()) {
    if (ours.fields.contains(name) || absl::c_linear_search(stored.defaults, name)) continue;
    differences.push_back(absl::StrCat(name, ": the checkpoint has ", DumpJson(value),
                                       ", this program does not know the field"));
  }
  return differences;
}

}  // namespace tune
