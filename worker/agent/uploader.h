// Registers one attempt's checkpoints, one after the other in the order they were saved,
// beside the training, from a thread of its own.
#pragma once

#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/backoff.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/flag.h"
#include "worker/agent/metrics.h"
#include "worker/agent/stop_signal.h"

namespace tune::worker {

struct UploadOptions {
  // Of the spec, at least 1. Where this many newer ones wait already, a checkpoint is passed
  // over: the scheduler would drop it as soon as they are there. So the local disk holds a
  // bounded number of them, however slow the network.
  int64_t keep_checkpoints = 2;
  BackoffOptions backoff;
};

class Uploader {
 public:
  // Starts the thread. A stale lease raises kLeaseEnded on `stop`.
  Uploader(ControlPlane& control, v1::LeaseKey key, std::string run_dir, StopSignal& stop,
           Clock& clock, Metrics& metrics, UploadOptions options);
  ~Uploader();  // aborts

  // A checkpoint whose event the scheduler holds. Its folder is removed once it is
  // registered or passed over.
  void Add(const v1::TrainingEvent::CheckpointSaved& checkpoint);
  // Nothing more is added: the thread ends when all are registered.
  void Finish();
  // The thread ends as soon as the call under way does.
  void Abort();
  bool WaitDone(absl::Duration timeout) const { return done_.WaitFor(timeout); }

  // After the thread's end: whether the run's result is registered, and if not why.
  bool final_committed() const { return final_committed_; }
  const absl::Status& final_status() const { return final_status_; }

 private:
  using Checkpoint = v1::TrainingEvent::CheckpointSaved;

  void Run();
  bool Next(Checkpoint& checkpoint);
  bool IsSuperseded(const Checkpoint& checkpoint);
  void Register(const Checkpoint& checkpoint);
  absl::Status RegisterOnce(const Checkpoint& checkpoint);
  void Record(const Checkpoint& checkpoint, const absl::Status& status, absl::Duration took);

  ControlPlane& control_;
  const v1::LeaseKey key_;
  const std::string run_dir_;
  StopSignal& stop_;
  Clock& clock_;
  Metrics& metrics_;
  const UploadOptions options_;

  absl::Mutex mutex_;
  std::deque<Checkpoint> waiting_ ABSL_GUARDED_BY(mutex_);
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  bool final_committed_ = false;
  absl::Status final_status_;
  Flag aborted_, done_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tune::worker
