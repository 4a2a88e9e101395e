#include "server/engine/blob_trash.h"

#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"

namespace tune::server {

std::string BlobTrash::PathOf(const std::string& sha256) const { return JoinPath(dir_, sha256); }

absl::Status BlobTrash::Put(const std::string& path, const std::string& sha256) const {
  RETURN_IF_ERROR(CreateDirectories(dir_));
  // Not synced: after a crash the blob may lie where it was, and is found again.
  if (rename(path.c_str(), PathOf(sha256).c_str()) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  return ErrnoStatus(path, "rename");
}

bool BlobTrash::TakeBack(const std::string& sha256, const std::string& path) const {
  return Exists(PathOf(sha256)) && RenameDurably(PathOf(sha256), path).ok();
}

absl::Status BlobTrash::Remove(const std::string& sha256) const {
  return RemoveAll(PathOf(sha256));
}

absl::StatusOr<std::vector<std::string>> BlobTrash::List() const {
  if (!Exists(dir_)) return std::vector<std::string>();
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(dir_));
  std::erase_if(names, [](const std::string& name) { return !IsSha256Hex(name); });
  return names;
}

absl::Status BlobTrash::Bound() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> blobs, List());
  int64_t held = 0;
  for (const std::string& sha256 : blobs) held += FileSize(PathOf(sha256)).value_or(0);
  for (const std::string& sha256 : blobs) {
    ASSIGN_OR_RETURN(const int64_t free_bytes, FreeBytes(dir_));
    if (held <= free_bytes) break;
    held -= FileSize(PathOf(sha256)).value_or(0);
    RETURN_IF_ERROR(Remove(sha256));
  }
  return absl::OkStatus();
}

absl::Status BlobTrash::MakeRoom(int64_t bytes) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> blobs, List());
  for (const std::string& sha256 : blobs) {
    ASSIGN_OR_RETURN(const int64_t free_bytes, FreeBytes(dir_));
    if (free_bytes >= bytes) break;
    spdlog::info("room is needed: removes a blob that nothing refers to sha256={}", sha256);
    RETURN_IF_ERROR(Remove(sha256));
  }
  return absl::OkStatus();
}

}  // namespace tune::server
