// YAML as job files have it: yaml-cpp parses, and plain scalars get their types by the core schema
// (client/yaml_scalar.h), since yaml-cpp gives only text.
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

}  // namespace tune::client
