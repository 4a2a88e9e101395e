// Registers one attempt's checkpoints beside the training, from a thread of its own, and owns
// their folders: the trainer removes none. What is being registered stays until it is; the next
// one is then the newest, and those between are passed over. So some checkpoint is registered
// however slow the network, and the disk holds a bounded number of them.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/backoff.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/metrics.h"
#include "worker/agent/stop_signal.h"

namespace tune::worker {

// Its owner calls it from one thread.
class Uploader {
 public:
  // Starts the thread. A stale lease raises kLeaseEnded on `stop`.
  Uploader(ControlPlane& control, v1::LeaseKey key, std::string run_dir, StopSignal& stop,
           Clock& clock, Metrics& metrics, BackoffOptions backoff);
  ~Uploader();  // aborts

  // A checkpoint that the trainer has finished. Removes, in the calling thread, the folder of
  // one that waited and is passed over for it.
  void Add(const v1::TrainingEvent::CheckpointSaved& checkpoint);
  // Nothing more is added: the thread ends when what waits is registered.
  void Finish();
  // Ends the thread, as soon as the call under way is over, and waits for that. At most once.
  void Abort();
  // True once the thread has ended.
  bool WaitDone(absl::Duration timeout) const {
    return done_.WaitForNotificationWithTimeout(timeout);
  }

  // After the thread's end: whether the run's result is registered, and if not why.
  bool final_committed() const { return final_committed_; }
  const absl::Status& final_status() const { return final_status_; }

 private:
  using Checkpoint = v1::TrainingEvent::CheckpointSaved;

  void Run();
  bool Next(Checkpoint& checkpoint);
  void PassOver(const Checkpoint& checkpoint, int64_t newer_step);
  void Remove(const Checkpoint& checkpoint);
  void Register(const Checkpoint& checkpoint);
  absl::Status RegisterOnce(const Checkpoint& checkpoint);
  void Record(const Checkpoint& checkpoint, const absl::Status& status, absl::Duration took);

  ControlPlane& control_;
  const v1::LeaseKey key_;
  const std::string run_dir_;
  StopSignal& stop_;
  Clock& clock_;
  Metrics& metrics_;
  const BackoffOptions backoff_;

  absl::Mutex mutex_;
  std::optional<Checkpoint> newest_ ABSL_GUARDED_BY(mutex_);  // of those to go on from
  std::optional<Checkpoint> final_ ABSL_GUARDED_BY(mutex_);
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  bool final_committed_ = false;
  absl::Status final_status_;
  absl::Notification aborted_, done_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tune::worker
