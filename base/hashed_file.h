// A file whose SHA-256 is known once it is written, so that nobody reads it again to hash it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/files.h"
#include "base/sha256.h"

namespace tune {

class HashedFile {
 public:
  // Creates or truncates.
  static absl::StatusOr<std::unique_ptr<HashedFile>> Open(const std::string& path);

  // Hashes the bytes, on another core where they are many, while they are written. The kernel
  // begins to bring them to the disk at once, so that a sync at the end waits for little.
  absl::Status Write(absl::string_view bytes);
  // The SHA-256 of all bytes, as 64 hex digits. Ends this object's use; nothing is synced.
  std::string Finish() { return hash_.Finish(); }
  const std::string& path() const { return file_->path(); }

 private:
  explicit HashedFile(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  std::unique_ptr<OutputFile> file_;
  Sha256 hash_;
};

}  // namespace tune
