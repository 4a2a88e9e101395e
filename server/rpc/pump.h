// What a call that waits or streams does between gRPC's events: a step on an executor,
// never twice at once, run again for whatever happened meanwhile.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/executor.h"

namespace tune::server {

// Thread-safe. Outlives the call: events that come late find it over and do nothing.
class Pump : public std::enable_shared_from_this<Pump> {
 public:
  enum class Next { kWait, kOver };

  // After `step` has returned kOver it never runs again, and what it refers to may be gone.
  Pump(Executor& executor, std::function<Next()> step)
      : executor_(executor), step_(std::move(step)) {}

  // First run. False where the executor's queue is full: the step never runs.
  [[nodiscard]] bool Start();
  // Something may have changed: runs the step, again if it is running now.
  void Poke();

  // Why the call should end early; each pokes.
  void Cancel();  // the client is gone, or its deadline
  void Expire();  // the server's limit
  void Drain();   // the server stops
  bool cancelled() const { return cancelled_; }
  bool expired() const { return expired_; }
  bool draining() const { return draining_; }

 private:
  void Run();

  Executor& executor_;
  const std::function<Next()> step_;
  std::atomic<bool> cancelled_ = false, expired_ = false, draining_ = false;
  absl::Mutex mutex_;
  bool busy_ ABSL_GUARDED_BY(mutex_) = true;    // queued or running; until Start, held back
  bool again_ ABSL_GUARDED_BY(mutex_) = false;  // poked since it began to run
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tune::server
