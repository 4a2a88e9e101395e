// Following a job to its end: reconnects, ticks, Ctrl-C, time limit.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/exit_code.h"
#include "tune/v1/jobs.pb.h"

namespace tune::client {

// What watches.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  virtual void OnUpdate(const v1::WatchJobResponse& update) = 0;
  // Several times a second, for ages and countdowns.
  virtual void OnTick() {}
  // The connection is lost, and being made again; it is there again. By turns.
  virtual void OnConnectionLost() = 0;
  virtual void OnConnectionBack() = 0;
};

struct FollowOptions {
  std::string job;  // "jobs/J"
  absl::Duration limit = absl::InfiniteDuration();
  std::function<bool()> interrupted = [] { return false; };
};

// Calls the observer until the job is over and returns it. A broken stream is taken up
// after the last entry seen, for up to 10 minutes each time. CANCELLED where
// interrupted, DEADLINE_EXCEEDED after `limit`; neither touches the job.
absl::StatusOr<v1::Job> FollowJob(Context& context, const FollowOptions& options,
                                  JobObserver& observer);

// What `watch`, `wait` and `submit --wait` say at the end: a line on stdout for a job that
// succeeded (tables only), an error on stderr for another. The exit code is the outcome.
ExitCode ReportOutcome(Context& context, const v1::Job& job);

// The entries so far, without waiting for more.
absl::StatusOr<std::vector<v1::JobEvent>> FetchHistory(Context& context, const std::string& job);

}  // namespace tune::client
