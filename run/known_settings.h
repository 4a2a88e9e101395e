// What a build knows of a run spec, for others that are of another release.
#pragma once

#include <string>
#include <vector>

namespace tune {

// The paths of all fields (run/spec.h), and PATH=VALUE for each value that came later than its
// field: an older trainer has the field, and would refuse the value.
const std::vector<std::string>& KnownSettings();

}  // namespace tune
