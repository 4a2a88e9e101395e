// Takes one job after the other, as long as the worker lives.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "worker/agent/attempt.h"
#include "worker/agent/backoff.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/flag.h"
#include "worker/agent/session.h"

namespace tune::worker {

struct LeaseLoopOptions {
  // How long one call waits for a job.
  absl::Duration wait = absl::Seconds(20);
  BackoffOptions backoff;
  // Between two self-checks of a worker that is unfit.
  BackoffOptions check_backoff = {absl::Seconds(1), absl::Minutes(1)};
  // After an attempt that this machine's disk was too small for, so that another worker may
  // take it first.
  absl::Duration rest_after_disk_full = absl::Seconds(5);
};

class LeaseLoop {
 public:
  LeaseLoop(AttemptContext& context, Session& session, LeaseLoopOptions options);

  // Takes no lease while the worker is unfit, and checks again until it is well. Returns OK once
  // stopped and the attempt under way is over; an error where this worker cannot go on. Trainers
  // are started from the calling thread.
  absl::Status Run();

  // Run takes no more leases. From any thread.
  void Stop();

 private:
  absl::Status AwaitFitness();
  absl::StatusOr<v1::AcquireLeaseResponse> Acquire();
  void RunAttempt(v1::Lease lease);

  AttemptContext& context_;
  Session& session_;
  const LeaseLoopOptions options_;
  std::string request_id_;  // of the call whose answer has not come yet
  Flag stopped_;
};

}  // namespace tune::worker
