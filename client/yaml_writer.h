// YAML as --output yaml and `tunectl describe` show it.
#pragma once

#include <string>

#include "base/json.h"

namespace tune::client {

// Block style, two spaces; ends with a newline. ParseYaml reads the same value back: a string
// that a reader would take for something else is quoted. Control characters are escaped, other
// text stays readable, and invalid UTF-8 is replaced by U+FFFD.
std::string ToYaml(const Json& json);

}  // namespace tune::client
