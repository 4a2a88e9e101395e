// This process as the scheduler knows it: a name and an incarnation.
#pragma once

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/self_check.h"

namespace tune::worker {

// Thread-safe.
class Session {
 public:
  Session(ControlPlane& control, Clock& clock, v1::RegisterWorkerRequest registration,
          const SelfCheck& self_check);

  // One call. Tells what the last self-check found, and what it learned of the trainer; to be
  // called again where that changes.
  absl::Status Register();
  // After an answer that this worker is not known: a scheduler with an empty store, or another
  // process under this name. Registers again; ALREADY_EXISTS where that is needed twice
  // within a minute, for then two workers take the name from each other.
  absl::Status RegisterAgain();

  // Tells the scheduler that this process ends, so that nobody waits for it. One call, whose
  // loss costs others no more than the wait.
  void Leave();

  // "workers/NAME".
  std::string worker() const { return "workers/" + registration_.worker_id(); }
  const std::string& incarnation() const { return registration_.incarnation(); }
  // Why this worker can train nothing now; "" where it is fit.
  std::string unhealthy() const;
  absl::Duration heartbeat_interval() const;
  bool registered() const;

 private:
  ControlPlane& control_;
  Clock& clock_;
  const v1::RegisterWorkerRequest registration_;
  const SelfCheck& self_check_;

  mutable absl::Mutex mutex_;
  bool registered_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration heartbeat_interval_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(5);
  absl::Duration last_again_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace tune::worker
