// The real test data beside the repository, which a fresh machine may lack.
#pragma once

#include <cstdlib>
#include <string>

#include "base/files.h"

namespace tune {

// The path of a file in $TUNE_SHARED_DATA (default ../shared/data beside the source), or
// "" where it is not there: the test then skips.
inline std::string SharedData(const std::string& file) {
  const char* root = std::getenv("TUNE_SHARED_DATA");
  const std::string path =
      JoinPath(root != nullptr ? root : TUNE_SOURCE_DIR "/../shared/data", file);
  return Exists(path) ? path : "";
}

}  // namespace tune
