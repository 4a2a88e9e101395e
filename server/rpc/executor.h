// Fixed threads for work that must not block gRPC's own.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tune::server {

// Thread-safe. The destructor runs what is queued, then ends the threads.
class Executor {
 public:
  // `max_queued`: how many tasks may wait for a thread before new calls are turned away.
  Executor(int threads, size_t max_queued);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False where the queue is full; the task is dropped then.
  [[nodiscard]] bool TrySubmit(std::function<void()> task);

  // For the next step of a call already admitted, which has at most one step queued: never
  // refused, so that the queue's bound is max_queued plus the calls that are open.
  void SubmitStep(std::function<void()> task);

 private:
  void RunTasks();

  const size_t max_queued_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace tune::server
