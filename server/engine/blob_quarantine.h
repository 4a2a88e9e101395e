// Damaged blobs, set aside so that nothing reads them and their content may come again:
//
//   DIR/quarantine/ab12…       what lay under that name; nothing for one that is gone
//   DIR/quarantine/ab12….why   what is wrong with it, for people
//
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace tune::server {

class BlobQuarantine {
 public:
  // Remembers what the folder `dir` holds; it is made when the first damaged blob comes.
  static absl::StatusOr<std::unique_ptr<BlobQuarantine>> Open(const std::string& dir);

  // Moves the file at `path`, the damaged blob `sha256`, here; logs it as an error.
  absl::Status Take(const std::string& path, const std::string& sha256, const std::string& why);
  // Notes that the blob `sha256`, to which something refers, is not where it should be.
  void NoteGone(const std::string& sha256);
  // The content has come again, or nothing refers to it: what was set aside is removed. False
  // where nothing was.
  bool Forget(const std::string& sha256);

  // Why the blob was set aside; none for one that was not.
  std::optional<std::string> WhyDamaged(const std::string& sha256);
  // Every blob set aside, with the reason.
  std::map<std::string, std::string> Damaged();

 private:
  explicit BlobQuarantine(std::string dir) : dir_(std::move(dir)) {}
  std::string PathOf(const std::string& sha256) const;
  std::string WhyPathOf(const std::string& sha256) const;

  const std::string dir_;
  absl::Mutex mutex_;
  std::map<std::string, std::string> damaged_ ABSL_GUARDED_BY(mutex_);  // why, by sha256
};

}  // namespace tune::server
