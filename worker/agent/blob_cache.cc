#include "worker/agent/blob_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"
#include "worker/agent/fetch_error.h"

namespace tune::worker {
namespace {

// Marks a blob as used now, and protects it from a trainer that would write through its link.
absl::Status MarkUsed(const std::string& path) {
  if (chmod(path.c_str(), 0444) != 0) return ErrnoStatus(path, "chmod");
  if (utimensat(AT_FDCWD, path.c_str(), nullptr, 0) != 0) return ErrnoStatus(path, "touch");
  return absl::OkStatus();
}

absl::Status Link(const std::string& blob, const std::string& target) {
  if (link(blob.c_str(), target.c_str()) == 0) return absl::OkStatus();
  if (symlink(blob.c_str(), target.c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(target, "link");
}

std::string Megabytes(int64_t bytes) {
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

BlobCache::BlobCache(std::string dir, int64_t max_bytes, FreeSpace free_space)
    : dir_(std::move(dir)),
      max_bytes_(max_bytes),
      free_space_(std::move(free_space)),
      verified_(dir_) {}

std::string BlobCache::PathOf(const std::string& sha256) const { return JoinPath(dir_, sha256); }

bool BlobCache::Holds(const v1::FileEntry& file) const {
  return FileSize(PathOf(file.sha256())).value_or(-1) == file.size_bytes();
}

absl::StatusOr<std::vector<BlobCache::Held>> BlobCache::OldestFirst() const {
  ASSIGN_OR_RETURN(const auto names, ListDirectory(dir_));
  std::vector<Held> held;
  for (const std::string& name : names) {
    if (name == kVerifiedFile) continue;
    struct stat info;
    if (stat(PathOf(name).c_str(), &info) != 0) return ErrnoStatus(PathOf(name), "stat");
    held.push_back({name, info.st_size, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
                    info.st_nlink > 1});
  }
  std::sort(held.begin(), held.end(),
            [](const Held& a, const Held& b) { return a.used_ns < b.used_ns; });
  return held;
}

absl::Status BlobCache::MakeRoom(const std::vector<v1::FileEntry>& needed, RunRoom room) {
  int64_t missing = 0;
  std::set<std::string> counted;
  for (const v1::FileEntry& file : needed) {
    if (!Holds(file) && counted.insert(file.sha256()).second) missing += file.size_bytes();
  }
  RETURN_IF_ERROR(Evict(needed, missing, std::max(room.least, room.all)));
  ASSIGN_OR_RETURN(const int64_t free, free_space_(dir_));
  if (free >= missing + room.least) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the run needs at least ", Megabytes(missing + room.least), " of room (", Megabytes(missing),
      " of inputs to fetch, ", Megabytes(room.least), " for its result), ", Megabytes(free),
      " are free in ", dir_, "; free some, or give the worker a larger --work-dir"));
}

absl::Status BlobCache::Remove(const Held& blob) {
  spdlog::info("cache: evicts {} size_bytes={}", blob.name, blob.size_bytes);
  RETURN_IF_ERROR(RemoveAll(PathOf(blob.name)));
  verified_.Remove(blob.name);
  return absl::OkStatus();
}

absl::Status BlobCache::KeepFree(int64_t bytes) {
  ASSIGN_OR_RETURN(const auto held, OldestFirst());
  for (const Held& blob : held) {
    ASSIGN_OR_RETURN(const int64_t free, free_space_(dir_));
    if (free >= bytes) break;
    if (!blob.linked) RETURN_IF_ERROR(Remove(blob));
  }
  return absl::OkStatus();
}

absl::Status BlobCache::Evict(const std::vector<v1::FileEntry>& needed, int64_t missing,
                              int64_t room_bytes) {
  std::set<std::string> keep;
  for (const v1::FileEntry& file : needed) keep.insert({file.sha256(), file.sha256() + ".part"});
  ASSIGN_OR_RETURN(const auto held, OldestFirst());
  int64_t total = missing;
  for (const Held& blob : held) total += blob.size_bytes;
  for (const Held& blob : held) {
    ASSIGN_OR_RETURN(const int64_t free, free_space_(dir_));
    if (total <= max_bytes_ && free >= missing + room_bytes) break;
    if (keep.contains(blob.name)) continue;
    RETURN_IF_ERROR(Remove(blob));
    total -= blob.size_bytes;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> BlobCache::Get(const v1::FileEntry& file, ControlPlane& control) {
  const std::string& sha256 = file.sha256();
  if (!IsSha256Hex(sha256)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": \"", sha256, "\" is no SHA-256"));
  }
  const std::string path = PathOf(sha256);
  if (!Holds(file) || !verified_.Verify(sha256)) {
    if (Exists(path)) spdlog::warn("cache: {} is damaged and is fetched again", sha256);
    RETURN_IF_ERROR(RemoveAll(path));
    RETURN_IF_ERROR(AsFetchError(control.Download(sha256, file.size_bytes(), path)));
    verified_.Add(sha256);
  }
  RETURN_IF_ERROR(verified_.Alter({sha256}, [&] { return MarkUsed(path); }));
  return path;
}

absl::Status BlobCache::Place(const v1::FileEntry& file, const std::string& target,
                              ControlPlane& control) {
  ASSIGN_OR_RETURN(const std::string blob, Get(file, control));
  RETURN_IF_ERROR(CreateDirectories(std::filesystem::path(target).parent_path()));
  return verified_.Alter({file.sha256()}, [&] { return Link(blob, target); });
}

absl::Status BlobCache::RemovePlaced(const std::vector<v1::FileEntry>& files,
                                     const std::string& folder) {
  std::vector<std::string> blobs;
  for (const v1::FileEntry& file : files) blobs.push_back(file.sha256());
  return verified_.Alter(blobs, [&] { return RemoveAll(folder); });
}

}  // namespace tune::worker
