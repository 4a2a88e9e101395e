// Which jobs make way for one of a higher priority that no free worker could run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "server/core/job_queue.h"
#include "server/core/placement.h"

namespace tune::server {

// A job that a worker holds.
struct RunningJob {
  HeldJob held;
  std::string worker_id;
  absl::Duration at_stake;  // trained since its last checkpoint
};

struct Preemption {
  std::string victim;    // the job that makes way
  std::string for_job;   // that has the higher priority
  int64_t priority = 0;  // of `for_job`

  bool operator==(const Preemption&) const = default;
};

// What is to be ordered now, a pure function of queue and fleet. `workers` are all live ones with
// what their leases leave free, `running` all jobs that they hold; `now` is that of NextJob. Jobs
// of the queue are looked at in their order, each finding free, and its own from then on, what
// those before it have left and what jobs that yield already will leave. One that finds nothing
// makes those of lower priority yield on the worker where the least is at stake, and never more of
// them than it needs.
std::vector<Preemption> PlanPreemptions(const JobQueue& queue, const Workers& workers,
                                        const std::vector<RunningJob>& running,
                                        absl::FunctionRef<QueuedJob(const QueuedJob&)> now);

}  // namespace tune::server
