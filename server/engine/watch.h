// Who waits for news of a job. News is: an event, a change of state, more log.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/engine/signal.h"

namespace tune::server {

// Thread-safe. To watch without gaps: subscribe first, then read (Queries::ListEvents
// after the last seq sent, JobLogs::Read from the last offset), then wait for the
// callback, and read again.
class EventHub {
 public:
  static constexpr size_t kMaxSubscriptions = 10000;

  // RESOURCE_EXHAUSTED beyond kMaxSubscriptions.
  absl::StatusOr<Subscription> Subscribe(const std::string& job_id, std::function<void()> callback);
  void Notify(const std::string& job_id);

 private:
  void PruneSignals() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Shared with the subscriptions, which may outlive the hub.
  const std::shared_ptr<std::atomic<size_t>> watchers_ = std::make_shared<std::atomic<size_t>>(0);
  absl::Mutex mutex_;
  size_t prune_at_ ABSL_GUARDED_BY(mutex_) = 16;  // jobs in signals_
  absl::flat_hash_map<std::string, std::shared_ptr<Signal>> signals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
