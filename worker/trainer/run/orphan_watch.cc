#include "worker/trainer/run/orphan_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

namespace tune::trainer {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(1);

// Takes the lock for an instant, shared, where nobody holds it: FileLock::Acquire waits that out.
bool IsHeld(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return held;
}

}  // namespace

OrphanJudge::OrphanJudge(const WorkerLock& lock, Clock* clock)
    : lock_(lock), clock_(clock), last_look_(clock->Monotonic()) {}

bool OrphanJudge::IsOrphan() {
  const absl::Duration now = clock_->Monotonic();
  const absl::Duration between = std::min(now - last_look_, 2 * kLookEvery);
  last_look_ = now;
  free_for_ = IsHeld(lock_.path) ? absl::ZeroDuration() : free_for_ + between;
  return free_for_ >= lock_.grace;
}

OrphanWatch::OrphanWatch(const WorkerLock& lock, Clock* clock, std::function<void()> orphaned) {
  if (lock.path.empty()) return;
  thread_ = std::thread([this, judge = OrphanJudge(lock, clock), orphaned]() mutable {
    while (!done_.WaitForNotificationWithTimeout(kLookEvery)) {
      if (!judge.IsOrphan()) continue;
      found_orphaned_ = true;
      return orphaned();
    }
  });
}

OrphanWatch::~OrphanWatch() {
  done_.Notify();
  if (thread_.joinable()) thread_.join();
}

}  // namespace tune::trainer
