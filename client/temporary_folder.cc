#include "client/temporary_folder.h"

#include <stdlib.h>

#include <filesystem>

namespace tune::client {

absl::StatusOr<TemporaryFolder> TemporaryFolder::Make() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tunectl.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(pattern, "create folder");
  return TemporaryFolder(pattern);
}

TemporaryFolder::~TemporaryFolder() {
  if (!path_.empty()) (void)RemoveAll(path_);
}

}  // namespace tune::client
