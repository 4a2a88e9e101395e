// Where a test finds what it reads.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tune {

// A program of this build, or of another one where $TUNE_PROGRAMS names its folder.
std::string Program(absl::string_view name);

// A file of this source tree, by its path from the root.
std::string SourceFile(absl::string_view path);

// A file of the real test data in $TUNE_SHARED_DATA (by default ../shared/data beside the
// source tree), or "" where it is not there, as on a fresh machine: the test then skips.
std::string SharedData(absl::string_view path);

}  // namespace tune
