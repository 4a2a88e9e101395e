// Which file or folder stands at a path: one that was removed and made again is another.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace tune::worker {

// Unique among the files that exist, and beyond that as long as a process holds the file open.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;

  bool operator==(const FileId&) const = default;
};

// Of what `path` leads to; nullopt where that is nothing, or cannot be looked at.
std::optional<FileId> FileIdOf(const std::string& path);

}  // namespace tune::worker
