// YAML for job files and --output yaml, by the YAML 1.2 core schema (yaml.org/spec/1.2.2,
// section 10.3). yaml-cpp parses; the types are decided here, since it gives only text.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace tune::client {

struct YamlDocument {
  Json value;
  // Where each value stands, "3:7" (line:column, from 1), by its path as field errors
  // spell it ("datasets[1].weight"); the document itself is "".
  std::map<std::string, std::string> places;
};

// One document. Quoted scalars stay strings; plain ones become null, bool, integer,
// float or string. Refused with "NAME:LINE:COLUMN: reason": syntax errors, duplicate
// keys, keys that are not scalars, unknown tags, .inf and .nan, a second document, and
// anchors that blow up.
absl::StatusOr<YamlDocument> ParseYaml(const std::string& text, absl::string_view name);

// A plain scalar's value by the core schema.
Json CoreSchemaScalar(const std::string& text);

// Block style, two spaces; strings quoted exactly where a reader would take them for
// something else. Ends with a newline.
std::string ToYaml(const Json& json);

}  // namespace tune::client
