// Blobs under the names of their files, for readers of whole folders.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "run/files.h"
#include "server/engine/blobs.h"

namespace tune::server {

// A folder of links to blobs, which goes with the object. Nothing keeps the blobs themselves.
class LinkedFiles {
 public:
  static absl::StatusOr<std::unique_ptr<LinkedFiles>> Make(const BlobStore& blobs,
                                                           const std::vector<FileEntry>& files);
  ~LinkedFiles();

  const std::string& path() const { return path_; }

 private:
  explicit LinkedFiles(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

}  // namespace tune::server
