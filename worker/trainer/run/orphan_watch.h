// Whether the worker that looks after a run is still there. A run outlives its worker's restart;
// one whose worker does not come back is to end, so that it holds no GPU for nobody.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace tune::trainer {

// The worker holds the lock on a file of its work folder for life.
struct WorkerLock {
  std::string path;  // "" for a run by hand, which is no orphan
  absl::Duration grace = absl::Seconds(60);
};

class OrphanJudge {
 public:
  // `clock` must outlive this.
  OrphanJudge(const WorkerLock& lock, Clock* clock);

  // Looks at the lock. True once nobody has held it for the grace time, of which only what lies
  // between two looks near each other counts: a suspended host's worker was away with it.
  bool IsOrphan();

 private:
  const WorkerLock lock_;
  Clock* const clock_;
  absl::Duration last_look_;
  absl::Duration free_for_;
};

// Looks every second on a thread of its own, until destruction, and calls `orphaned` once.
class OrphanWatch {
 public:
  // Starts nothing where there is no worker. `clock` must outlive this.
  OrphanWatch(const WorkerLock& lock, Clock* clock, std::function<void()> orphaned);
  ~OrphanWatch();

  // Whether it has called `orphaned`, or is about to. From any thread.
  bool found_orphaned() const { return found_orphaned_; }

 private:
  std::atomic<bool> found_orphaned_ = false;
  absl::Notification done_;
  std::thread thread_;
};

}  // namespace tune::trainer
