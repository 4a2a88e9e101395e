// Which blobs of a cache folder were found to have the content that their name says, remembered
// between lives of the worker, for one boot of the host.
#pragma once

#include <cstdint>
#include <map>
#include <string>

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
  // The blob's file, as it is now, has the content that its name says.
  void Add(const std::string& sha256);
  void Remove(const std::string& sha256) { stamps_.erase(sha256); }
  // Links to the files were made or removed, which alters their ctime: takes it anew where all
  // else is the same, forgets what has changed, and writes DIR/verified.
  void Relinked();

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
  void Save() const;

  const std::string dir_;
  const std::string boot_id_;
  std::map<std::string, Stamp> stamps_;  // by hash
};

}  // namespace tune::worker
