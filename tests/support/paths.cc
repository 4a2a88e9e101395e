#include "tests/support/paths.h"

#include <cstdlib>

#include "base/files.h"

namespace tune {

std::string Program(absl::string_view name) {
  const char* folder = std::getenv("TUNE_PROGRAMS");
  return JoinPath(folder ? folder : TUNE_BIN_DIR, name);
}

std::string SourceFile(absl::string_view path) { return JoinPath(TUNE_SOURCE_DIR, path); }

std::string SharedData(absl::string_view path) {
  const char* root = std::getenv("TUNE_SHARED_DATA");
  const std::string file = JoinPath(root ? root : SourceFile("../shared/data"), path);
  return Exists(file) ? file : "";
}

}  // namespace tune
