// What a build knows of a run spec, for others that are of another release.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tune {

// The paths of all fields (run/spec.h), and PATH=VALUE for each value that came later than its
// field: an older trainer has the field, and would refuse the value.
const std::vector<std::string>& KnownSettings();

// That a build reads dataset files of a kind beside JSON Lines and arrays, which all do:
// "file=parquet". Kinds are those of recipe/data/open_rows.h.
std::string FileSetting(absl::string_view kind);
bool IsFileSetting(absl::string_view setting);

}  // namespace tune
