#include "worker/agent/attempt_threads.h"

#include <algorithm>

namespace tune::worker {

AttemptThreads::AttemptThreads(int64_t gpus) : shares_(std::max<int64_t>(gpus, 1)) {}

AttemptThreads::~AttemptThreads() { AwaitAll(); }

void AttemptThreads::Start(int64_t gpus, absl::AnyInvocable<void()> attempt) {
  const int64_t share = gpus > 0 ? gpus : shares_;
  absl::MutexLock lock(&mutex_);
  taken_ += share;
  Running& running = running_.emplace_back();
  running.thread = std::thread([this, share, &running, attempt = std::move(attempt)]() mutable {
    attempt();
    absl::MutexLock lock(&mutex_);
    taken_ -= share;
    running.ended = true;
  });
}

void AttemptThreads::AwaitRoom() {
  const auto room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return taken_ < shares_; };
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&room));
  }
  JoinEnded();
}

void AttemptThreads::AwaitAll() {
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return taken_ == 0; };
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&idle));
  }
  JoinEnded();
}

void AttemptThreads::JoinEnded() {
  std::list<Running> ended;
  {
    absl::MutexLock lock(&mutex_);
    for (auto it = running_.begin(); it != running_.end();) {
      const auto next = std::next(it);
      if (it->ended) ended.splice(ended.end(), running_, it);
      it = next;
    }
  }
  for (Running& attempt : ended) attempt.thread.join();
}

}  // namespace tune::worker
