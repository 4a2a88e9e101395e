// What a plain scalar of YAML means.
#pragma once

#include <string>

#include "base/json.h"

namespace tune::client {

// The value of `text`, unquoted, by the core schema of YAML 1.2 (yaml.org/spec/1.2.2, section
// 10.3): null, a bool, an integer, a float (.inf and .nan too), or a string. An integer that 64
// bits do not hold is a float.
Json CoreSchemaScalar(const std::string& text);

}  // namespace tune::client
