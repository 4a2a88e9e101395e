// Whether this worker could run a job, whatever the job: asked at its start, and after an attempt
// whose end may be the worker's own fault.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "worker/agent/metrics.h"
#include "worker/agent/outcome.h"
#include "worker/agent/process.h"
#include "worker/agent/trainer_info.h"

namespace tune::worker {

struct SelfCheckOptions {
  std::string trainer;               // path of tune-trainer
  std::vector<std::string> folders;  // made again where they are gone
  // What each folder's volume must have free: enough for a run's log and events.
  int64_t min_free_bytes = 16 << 20;
  // Frees so many bytes of what is not needed, if it can; asked where a folder has no room.
  std::function<void(int64_t bytes)> make_room = [](int64_t) {};
  // Keeps this worker's claim on its work folder (folder_claim.h).
  std::function<absl::Status()> keep_claim = [] { return absl::OkStatus(); };
};

// Whether the folder can be written, made first where it is gone, and has room; an error says what
// is wrong and what to do.
absl::Status CheckFolder(const std::string& folder, const SelfCheckOptions& options);

class SelfCheck {
 public:
  // `processes`, `clock` and `metrics` outlive it.
  SelfCheck(SelfCheckOptions options, ProcessRunner& processes, Clock& clock, Metrics& metrics);

  // Looks whether the work folder is still its own, whether every folder can be written and has
  // room, and whether the trainer answers, and tells a change to the log and the metrics. An error
  // says what was found. From any thread; takes as long as the trainer takes to start, and as the
  // checks that other threads began.
  absl::Status Run();
  // The part of it that cannot wait for an attempt's end, and takes no time: keeps the claim on the
  // work folder. This worker is unfit where it cannot. From any thread.
  void KeepClaim();

  // What the last Run returned; OK before the first. From any thread.
  absl::Status status() const;
  // What the trainer told last; empty where it never answered. From any thread.
  TrainerInfo trainer() const;

 private:
  // Notes what was found and tells a change.
  void Take(const absl::Status& found);

  const SelfCheckOptions options_;
  ProcessRunner& processes_;
  Clock& clock_;
  Metrics& metrics_;
  absl::Mutex checking_;  // one check at a time: they share the files by which they look
  mutable absl::Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  TrainerInfo trainer_ ABSL_GUARDED_BY(mutex_);
};

// Whether an attempt that ended so may have been failed by its worker: it could not be made
// ready or started, its folder or its worker's lock was gone, its trainer crashed, or it names the
// disk, a device or an error of its own. What is missing may be missing in the worker's own
// folders.
bool IsSuspicious(const AttemptEnd& end);

}  // namespace tune::worker
