// The attempts that run on this worker now, each on a thread of its own, and the room that is
// left for another.
#pragma once

#include <cstdint>
#include <list>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace tune::worker {

// Used from one thread.
class AttemptThreads {
 public:
  // `gpus` is how many the worker has.
  explicit AttemptThreads(int64_t gpus);
  // Waits for all attempts.
  ~AttemptThreads();
  AttemptThreads(const AttemptThreads&) = delete;
  AttemptThreads& operator=(const AttemptThreads&) = delete;

  // Runs `attempt`, which takes `gpus` of the worker's GPUs until it returns. One without GPUs
  // takes the whole worker.
  void Start(int64_t gpus, absl::AnyInvocable<void()> attempt);
  // Waits until a GPU, or the whole worker, is free.
  void AwaitRoom();
  // Waits until no attempt runs.
  void AwaitAll();

 private:
  struct Running {
    bool ended = false;
    std::thread thread;
  };

  void JoinEnded();

  const int64_t shares_;  // one for each GPU; one in all for a worker without
  absl::Mutex mutex_;
  int64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<Running> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::worker
