// Watches one trainer until it has ended, and makes it end when it must.
#pragma once

#include <functional>

#include "absl/time/time.h"
#include "base/clock.h"
#include "worker/agent/process.h"
#include "worker/agent/stop_signal.h"

namespace tune::worker {

struct SuperviseOptions {
  absl::Duration poll_interval = absl::Milliseconds(100);
  // From SIGTERM to SIGKILL: the trainer writes a last checkpoint in it.
  absl::Duration grace = absl::Seconds(30);
  // The same on kYielding: nothing hurries then.
  absl::Duration yield_grace = absl::Minutes(5);
  // On the clock's monotonic time; then kTimeLimit is raised.
  absl::Duration time_limit_at = absl::InfiniteDuration();
};

struct SupervisedEnd {
  ExitStatus exit;
  bool killed_by_us = false;
};

// Calls `on_poll` again and again, and once after the trainer's end. On a stop cause the
// group gets SIGTERM, and SIGKILL after `grace`; on kFolderLost and kLeaseEnded SIGKILL at once,
// for nothing it still writes would count.
SupervisedEnd Supervise(Process& trainer, StopSignal& stop, Clock& clock,
                        const SuperviseOptions& options, const std::function<void()>& on_poll);

}  // namespace tune::worker
