#include "worker/agent/folder_claim.h"

#include "base/log.h"
#include "base/status.h"
#include "worker/agent/installation.h"

namespace tune::worker {

FolderClaim::FolderClaim(const std::string& work_dir) : work_dir_(work_dir), folder_(work_dir) {}

absl::StatusOr<std::unique_ptr<FolderClaim>> FolderClaim::Take(const std::string& work_dir) {
  std::unique_ptr<FolderClaim> claim(new FolderClaim(work_dir));
  {
    absl::MutexLock lock(&claim->mutex_);
    RETURN_IF_ERROR(claim->Lock());
  }
  claim->installation_ = InstallationOf(work_dir, claim->folder_.installation);
  const absl::Status kept = claim->Keep();
  if (!kept.ok()) spdlog::warn("{}", kept.ToString());
  return claim;
}

absl::Status FolderClaim::Lock() {
  RETURN_IF_ERROR(CreateDirectories(work_dir_));
  ASSIGN_OR_RETURN(lock_, FileLock::Acquire(folder_.lock));
  locked_ = FileIdOf(folder_.lock);
  return absl::OkStatus();
}

absl::Status FolderClaim::Keep() {
  absl::MutexLock lock(&mutex_);
  if (!locked_ || FileIdOf(folder_.lock) != locked_) {
    RETURN_IF_ERROR(Lock());
    spdlog::warn("{} was removed and is made again; nothing but this worker may remove files there",
                 folder_.lock);
  }
  return KeepInstallation(work_dir_, folder_.installation, installation_);
}

}  // namespace tune::worker
