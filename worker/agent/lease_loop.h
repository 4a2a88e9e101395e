// Takes jobs, as many at once as the worker has GPUs for, as long as the worker lives.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "worker/agent/attempt.h"
#include "worker/agent/attempt_threads.h"
#include "worker/agent/backoff.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/session.h"

namespace tune::worker {

struct LeaseLoopOptions {
  int64_t gpus = 0;  // that the worker has
  // How long one call waits for a job.
  absl::Duration wait = absl::Seconds(20);
  BackoffOptions backoff;
  // Between two self-checks of a worker that is unfit.
  BackoffOptions check_backoff = {absl::Seconds(1), absl::Minutes(1)};
};

class LeaseLoop {
 public:
  LeaseLoop(AttemptContext& context, Session& session, LeaseLoopOptions options);

  // Takes a further lease while GPUs are free; a job without GPUs has the worker to itself. Takes
  // none while the worker is unfit, and checks again until it is well. Returns once the attempts
  // under way are over: OK after Stop, or an error, after which they are drained, where this worker
  // cannot go on.
  absl::Status Run();

  // Goes on with a run of an earlier process of this worker. Before Run.
  void TakeUp(FoundRun run);

  // Run takes no more leases. From any thread, once.
  void Stop();

 private:
  absl::Status TakeJobs();
  absl::Status AwaitFitness();
  absl::StatusOr<v1::AcquireLeaseResponse> Acquire();
  void Begin(v1::Lease lease);

  AttemptContext& context_;
  Session& session_;
  const LeaseLoopOptions options_;
  std::string request_id_;  // of the call whose answer has not come yet
  absl::Notification stopped_;
  AttemptThreads attempts_;
};

}  // namespace tune::worker
