// Something that happens once and that threads wait for.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tune::worker {

class Flag {
 public:
  void Raise() {
    absl::MutexLock lock(&mutex_);
    raised_ = true;
  }
  bool raised() const {
    absl::MutexLock lock(&mutex_);
    return raised_;
  }
  // True once raised; false where the time ran out first.
  bool WaitFor(absl::Duration timeout) const {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&raised_), timeout);
  }

 private:
  mutable absl::Mutex mutex_;
  bool raised_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tune::worker
