#include "worker/agent/file_id.h"

#include <sys/stat.h>

namespace tune::worker {

std::optional<FileId> FileIdOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

}  // namespace tune::worker
