// The attempts that run here now, for those threads that speak to or about them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/stop_signal.h"

namespace tune::worker {

class LeaseTable {
 public:
  // `stop` must stay until Remove.
  void Add(const v1::LeaseKey& key, StopSignal& stop) {
    absl::MutexLock lock(&mutex_);
    held_[{key.job(), key.epoch()}] = &stop;
    if (draining_) stop.Raise(StopCause::kDraining);
  }
  void Remove(const v1::LeaseKey& key) {
    absl::MutexLock lock(&mutex_);
    held_.erase({key.job(), key.epoch()});
  }
  std::vector<v1::LeaseKey> Keys() const {
    absl::MutexLock lock(&mutex_);
    std::vector<v1::LeaseKey> keys;
    for (const auto& [held, stop] : held_) {
      keys.emplace_back().set_job(held.first);
      keys.back().set_epoch(held.second);
    }
    return keys;
  }
  // No effect where it is not held (any more).
  void Stop(const v1::LeaseKey& key, StopCause cause) {
    absl::MutexLock lock(&mutex_);
    const auto found = held_.find({key.job(), key.epoch()});
    if (found != held_.end()) found->second->Raise(cause);
  }
  // Stops what runs, and whatever is added later.
  void Drain() {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    for (const auto& [held, stop] : held_) stop->Raise(StopCause::kDraining);
  }
  bool draining() const {
    absl::MutexLock lock(&mutex_);
    return draining_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::pair<std::string, int64_t>, StopSignal*> held_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tune::worker
