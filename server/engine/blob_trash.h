// Blobs that nothing refers to, kept for a while before they are removed: a mistake with the
// database or its volume then costs nothing. DIR/trash/ab12…. Thread-safe: each call is one
// rename or removal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tune::server {

class BlobTrash {
 public:
  // `dir` must be on the blobs' volume; it is made when the first blob comes.
  explicit BlobTrash(std::string dir) : dir_(std::move(dir)) {}

  // Moves the blob at `path` here. OK where it is gone already.
  absl::Status Put(const std::string& path, const std::string& sha256) const;
  // Moves the blob back to `path`, whose folder must be there; false where it is not here.
  bool TakeBack(const std::string& sha256, const std::string& path) const;
  absl::Status Remove(const std::string& sha256) const;
  absl::StatusOr<std::vector<std::string>> List() const;

  // Removes blobs until those left take no more of the volume than is free on it.
  absl::Status Bound() const;
  // Removes blobs until `bytes` are free on the volume, or none is left.
  absl::Status MakeRoom(int64_t bytes) const;

 private:
  std::string PathOf(const std::string& sha256) const;

  const std::string dir_;
};

}  // namespace tune::server
