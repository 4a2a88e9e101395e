#include "worker/agent/self_check.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "run/reason.h"

namespace tune::worker {
namespace {

constexpr absl::string_view kProbeFile = "writable";

absl::StatusOr<TrainerInfo> Look(const SelfCheckOptions& options, ProcessRunner& processes,
                                 Clock& clock) {
  RETURN_IF_ERROR(options.keep_claim());
  for (const std::string& folder : options.folders) {
    RETURN_IF_ERROR(CheckFolder(folder, options));
  }
  return AskTrainer(options.trainer, processes, clock);
}

}  // namespace

absl::Status CheckFolder(const std::string& folder, const SelfCheckOptions& options) {
  const int64_t min_free_bytes = options.min_free_bytes;
  RETURN_IF_ERROR(CreateDirectories(folder));
  ASSIGN_OR_RETURN(int64_t free, FreeBytes(folder));
  if (free < min_free_bytes) {
    options.make_room(min_free_bytes);
    ASSIGN_OR_RETURN(free, FreeBytes(folder));
  }
  if (free < min_free_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(folder, ": ", free, " bytes are free, a run needs at least ", min_free_bytes,
                     "; free some, or give the worker a larger --work-dir"));
  }
  const std::string probe = JoinPath(folder, kProbeFile);
  RETURN_IF_ERROR(WriteFileDurably(probe, "written to see whether it can be\n"));
  return RemoveAll(probe);
}

SelfCheck::SelfCheck(SelfCheckOptions options, ProcessRunner& processes, Clock& clock,
                     Metrics& metrics)
    : options_(std::move(options)), processes_(processes), clock_(clock), metrics_(metrics) {}

absl::Status SelfCheck::Run() {
  absl::MutexLock lock(&checking_);
  auto found = Look(options_, processes_, clock_);
  Take(found.status());
  if (!found.ok()) return found.status();
  absl::MutexLock taking(&mutex_);
  trainer_ = *std::move(found);
  return absl::OkStatus();
}

void SelfCheck::KeepClaim() {
  if (const absl::Status kept = options_.keep_claim(); !kept.ok()) Take(kept);
}

void SelfCheck::Take(const absl::Status& found) {
  metrics_.SetHealthy(found.ok());
  absl::MutexLock lock(&mutex_);
  if (!found.ok() && found != status_) {
    spdlog::error("this worker is unfit and takes no job: {}", found.ToString());
  } else if (found.ok() && !status_.ok()) {
    spdlog::info("this worker is fit again");
  }
  status_ = found;
}

absl::Status SelfCheck::status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

TrainerInfo SelfCheck::trainer() const {
  absl::MutexLock lock(&mutex_);
  return trainer_;
}

bool IsSuspicious(const AttemptEnd& end) {
  constexpr absl::string_view kSuspicious[] = {
      kDiskFull,      kDownloadFailed, kInternal,           kMissingInput,    kNoDevice,
      kRunFolderLost, kTrainerCrashed, kTrainerDiedAtStart, kTrainerOrphaned, kWorkerUnfit};
  return absl::c_linear_search(kSuspicious, end.reason);
}

}  // namespace tune::worker
