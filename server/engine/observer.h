// What happened, for the metrics. Called after the commit, on the caller's thread.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/core/job_state.h"

namespace tune::server {

class EngineObserver {
 public:
  virtual ~EngineObserver() = default;

  virtual void JobSubmitted() {}
  // `run_time`: from the first lease to the end; zero for a job that never ran.
  virtual void JobFinished(JobState result, absl::Duration run_time) {}
  // `reason`: "first", or whose fault the last end was ("worker"); `queue_wait`: since the
  // submission or the requeue.
  virtual void AttemptStarted(absl::string_view reason, absl::Duration queue_wait) {}
  virtual void LeaseExpired() {}
  // A worker gets no job for a while, because what it was given failed.
  virtual void WorkerBenched() {}
  // `op`: "write" or "read"; `duration` with the wait for the commit. Not `ok`: the store
  // itself failed (full disk, corruption, …).
  virtual void StoreTransaction(absl::string_view op, absl::Duration duration, bool ok) {}
};

}  // namespace tune::server
