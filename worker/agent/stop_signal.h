// Why an attempt must stop, told from any thread.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tune::worker {

// A later one overrides an earlier one.
enum class StopCause {
  kNone,
  kYielding,    // the scheduler wants the job back: a last checkpoint, then it goes on elsewhere
  kTimeLimit,   // the job's time is used up: a last checkpoint, then FAILED
  kReporting,   // the scheduler refuses what this attempt reports
  kDraining,    // the worker stops: a last checkpoint, then another attempt elsewhere
  kFolderLost,  // somebody removed the run folder, or a part of it that the run goes on in
  kLeaseEnded,  // cancelled, or given to another: nothing of it counts any more
};

class StopSignal {
 public:
  void Raise(StopCause cause) {
    absl::MutexLock lock(&mutex_);
    if (cause > cause_) cause_ = cause;
  }
  StopCause cause() const {
    absl::MutexLock lock(&mutex_);
    return cause_;
  }
  // Waits until the cause is another than `known`, or the time is over; returns it.
  StopCause WaitForChange(StopCause known, absl::Duration timeout) const {
    absl::MutexLock lock(&mutex_);
    const auto changed = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return cause_ != known; };
    mutex_.AwaitWithTimeout(absl::Condition(&changed), timeout);
    return cause_;
  }

 private:
  mutable absl::Mutex mutex_;
  StopCause cause_ ABSL_GUARDED_BY(mutex_) = StopCause::kNone;
};

}  // namespace tune::worker
