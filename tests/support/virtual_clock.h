// Time that stands until a test moves it.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"

namespace tune {

// Any thread may read it and move it.
class VirtualClock : public Clock {
 public:
  // Begins at `start`. Every reading first moves it on by `tick`.
  explicit VirtualClock(absl::Time start = absl::FromUnixSeconds(1'700'000'000),
                        absl::Duration tick = absl::ZeroDuration())
      : tick_(tick), now_(start) {}

  absl::Time Now() override {
    absl::MutexLock lock(&mutex_);
    Move(tick_);
    return now_;
  }
  absl::Duration Monotonic() override {
    absl::MutexLock lock(&mutex_);
    Move(tick_);
    return monotonic_;
  }

  void Advance(absl::Duration duration) {
    absl::MutexLock lock(&mutex_);
    Move(duration);
  }
  // Sets the wall clock forward, or back, as an operator does; nothing else passes.
  void JumpWall(absl::Duration duration) {
    absl::MutexLock lock(&mutex_);
    now_ += duration;
  }

 private:
  void Move(absl::Duration duration) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    now_ += duration;
    monotonic_ += duration;
  }

  const absl::Duration tick_;
  absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::Hours(1);
};

}  // namespace tune
