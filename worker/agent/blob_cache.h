// Blobs by hash in a folder, kept between jobs and between lives of the worker. Bounded:
// the least recently used go first, and with them what trainers keep there of datasets
// (kTokenCacheVariable in run/folder.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/files.h"
#include "tune/v1/registry.pb.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/verified_blobs.h"

namespace tune::worker {

// What a run writes, in bytes.
struct RunRoom {
  int64_t least = 0;  // without which its result cannot be saved
  int64_t all = 0;    // with its checkpoints
};

// Not thread-safe: the worker prepares one run at a time. What a run uses it holds by hard
// links, so that no eviction takes it away.
class BlobCache {
 public:
  using FreeSpace = std::function<absl::StatusOr<int64_t>(const std::string& path)>;

  // `dir` exists and belongs to this object and to the worker's trainers alone. `max_bytes` bounds
  // what is kept; a single run may need more.
  BlobCache(std::string dir, int64_t max_bytes, FreeSpace free_space = FreeBytes);

  // Evicts until what is missing of `needed` fits the bound, and the disk together with all that
  // the run will write. RESOURCE_EXHAUSTED with all numbers where the disk is too small even for
  // the least of it.
  absl::Status MakeRoom(const std::vector<v1::FileEntry>& needed, RunRoom room);

  // Evicts what no run is linked to until so many bytes are free, if that can be.
  absl::Status KeepFree(int64_t bytes);

  // The path of a blob with this content, fetched if need be. A file is hashed before its first
  // use in a boot of the host, and again whenever anybody but this object has changed it, its
  // links or its times; a damaged one is fetched anew.
  absl::StatusOr<std::string> Get(const v1::FileEntry& file, ControlPlane& control);
  // The same, at `target`, whose folder is made: a hard link, or a symbolic one where the volume
  // knows no hard links.
  absl::Status Place(const v1::FileEntry& file, const std::string& target, ControlPlane& control);
  // Removes a folder into which some of `files` were placed.
  absl::Status RemovePlaced(const std::vector<v1::FileEntry>& files, const std::string& folder);
  // Writes down what is verified, for the worker's next life.
  void Save() const { verified_.Save(); }

 private:
  struct Held {
    std::string name;
    int64_t size_bytes;
    int64_t used_ns;  // mtime: when it was last used
    bool linked;      // a run has a link to it
  };

  std::string PathOf(const std::string& sha256) const;
  bool Holds(const v1::FileEntry& file) const;
  absl::StatusOr<std::vector<Held>> OldestFirst() const;
  absl::Status Evict(const std::vector<v1::FileEntry>& needed, int64_t missing, int64_t room_bytes);
  absl::Status Remove(const Held& blob);

  const std::string dir_;
  const int64_t max_bytes_;
  const FreeSpace free_space_;
  VerifiedBlobs verified_;
};

}  // namespace tune::worker
