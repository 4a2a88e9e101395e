// What makes a work folder this worker's own: a lock, which keeps other workers out and tells the
// trainers that their worker is there (worker/trainer/run/orphan_watch.h), and the installation's
// id, by which the scheduler knows a restarted worker again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/files.h"
#include "worker/agent/file_id.h"
#include "worker/agent/work_folder.h"

namespace tune::worker {

// Thread-safe. Holds the lock until destroyed.
class FolderClaim {
 public:
  // Makes the folder where it is not there. FAILED_PRECONDITION where another worker holds it. An
  // id that cannot be written is not an error yet: Keep tells of it.
  static absl::StatusOr<std::unique_ptr<FolderClaim>> Take(const std::string& work_dir);

  // Makes again what somebody has removed, the folder too. FAILED_PRECONDITION where another
  // worker has claimed it meanwhile. Looks at two small files, so it may be called often.
  absl::Status Keep();

  const std::string& installation() const { return installation_; }

 private:
  explicit FolderClaim(const std::string& work_dir);

  absl::Status Lock() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string work_dir_;
  const WorkFolder folder_;
  std::string installation_;
  absl::Mutex mutex_;
  std::unique_ptr<FileLock> lock_ ABSL_GUARDED_BY(mutex_);
  std::optional<FileId> locked_ ABSL_GUARDED_BY(mutex_);  // the file that lock_ holds
};

}  // namespace tune::worker
