// Which blobs of a cache folder were found to have the content that their name says, remembered
// between lives of the worker, for one boot of the host.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tune::worker {

// The file in the cache folder that the memory is kept in.
inline constexpr absl::string_view kVerifiedFile = "verified";

// Not thread-safe. A file that cannot be read or written only costs hashing again.
class VerifiedBlobs {
 public:
  // Reads DIR/verified, unless it is of another boot.
  explicit VerifiedBlobs(std::string dir);
  VerifiedBlobs(std::string dir, std::string boot_id);

  // Whether the blob was verified and its file has not changed since: its size, inode, mtime and
  // ctime are the same.
  bool Contains(const std::string& sha256) const;
  // Hashes the blob's file unless Contains it, and remembers it, as it was before the hashing,
  // where its content is what its name says. False where it is not, or cannot be read.
  bool Verify(const std::string& sha256);
  // The blob's file, as it is now, has the content that its name says.
  void Add(const std::string& sha256);
  void Remove(const std::string& sha256) { stamps_.erase(sha256); }
  // Runs `change`, which alters the files of these blobs but not their content: links to them are
  // made or removed, or they are touched. What was verified and unchanged right before it counts
  // as unchanged right after it; all other changes of a file are found. Returns `change`'s status.
  absl::Status Alter(const std::vector<std::string>& blobs,
                     absl::FunctionRef<absl::Status()> change);
  // Writes DIR/verified.
  void Save() const;

 private:
  struct Stamp {
    int64_t size_bytes = 0;
    uint64_t inode = 0;
    int64_t mtime_ns = 0;
    int64_t ctime_ns = 0;

    bool operator==(const Stamp&) const = default;
  };

  bool Read(const std::string& sha256, Stamp& stamp) const;
  void Load();

  const std::string dir_;
  const std::string boot_id_;
  std::map<std::string, Stamp> stamps_;  // by hash
};

}  // namespace tune::worker
