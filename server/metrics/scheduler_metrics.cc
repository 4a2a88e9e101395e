#include "server/metrics/scheduler_metrics.h"

#include <string>

#include "absl/strings/ascii.h"
#include "base/version.h"

namespace tune::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

const prometheus::Histogram::BucketBoundaries kQueueWaitBuckets = {1,   5,    15,    60,    300,
                                                                   900, 3600, 10800, 43200, 86400};
const prometheus::Histogram::BucketBoundaries kStoreBuckets = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5};
const prometheus::Histogram::BucketBoundaries kRunBuckets = {
    10, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 604800};

std::string ResultName(JobState result) { return absl::AsciiStrToLower(JobStateName(result)); }

}  // namespace

SchedulerMetrics::SchedulerMetrics(prometheus::Registry& registry)
    : submitted_(BuildCounter()
                     .Name("tune_jobs_submitted_total")
                     .Help("Jobs accepted by CreateJob, repeats of a request_id not counted")
                     .Register(registry)
                     .Add({})),
      finished_(BuildCounter()
                    .Name("tune_jobs_finished_total")
                    .Help("Jobs that ended; result is succeeded, failed or cancelled")
                    .Register(registry)),
      run_duration_(BuildHistogram()
                        .Name("tune_job_run_duration_seconds")
                        .Help("Wall time of ended jobs from their first lease to the end")
                        .Register(registry)),
      attempts_(BuildCounter()
                    .Name("tune_job_attempts_total")
                    .Help("Attempts started: first, or by whose fault the one before ended")
                    .Register(registry)),
      queue_wait_(BuildHistogram()
                      .Name("tune_job_queue_wait_seconds")
                      .Help("Time from submission, or requeue, to the lease")
                      .Register(registry)
                      .Add({}, kQueueWaitBuckets)),
      leases_expired_(BuildCounter()
                          .Name("tune_leases_expired_total")
                          .Help("Job leases that expired without renewal")
                          .Register(registry)
                          .Add({})),
      workers_benched_(BuildCounter()
                           .Name("tune_workers_benched_total")
                           .Help("Times that a worker was given no job for a while, because what "
                                 "it was given failed")
                           .Register(registry)
                           .Add({})),
      store_duration_(BuildHistogram()
                          .Name("tune_store_transaction_duration_seconds")
                          .Help("Duration of SQLite transactions, the wait for the commit in it")
                          .Register(registry)),
      store_errors_(BuildCounter()
                        .Name("tune_store_errors_total")
                        .Help("SQLite transactions that failed")
                        .Register(registry)),
      transferred_(BuildCounter()
                       .Name("tune_checkpoint_transferred_bytes_total")
                       .Help("Bytes of blobs (checkpoints, models, datasets) streamed over gRPC")
                       .Register(registry)),
      uploaded_bytes_(transferred_.Add({{"direction", "upload"}})),
      downloaded_bytes_(transferred_.Add({{"direction", "download"}})) {
  for (const JobState state : kJobStates) {
    if (!IsTerminal(state)) continue;
    finished_.Add({{"result", ResultName(state)}});
    run_duration_.Add({{"result", ResultName(state)}}, kRunBuckets);
  }
  for (const char* reason : {"first", "nobody", "job", "data", "worker", "scheduler"}) {
    attempts_.Add({{"reason", reason}});
  }
  for (const char* op : {"write", "read"}) {
    store_duration_.Add({{"op", op}}, kStoreBuckets);
    store_errors_.Add({{"op", op}});
  }
  BuildGauge()
      .Name("tune_build_info")
      .Help("Build information; the value is always 1")
      .Register(registry)
      .Add({{"version", Version()}})
      .Set(1);
}

void SchedulerMetrics::JobSubmitted() { submitted_.Increment(); }

void SchedulerMetrics::JobFinished(JobState result, absl::Duration run_time) {
  const prometheus::Labels labels = {{"result", ResultName(result)}};
  finished_.Add(labels).Increment();
  if (run_time > absl::ZeroDuration()) {
    run_duration_.Add(labels, kRunBuckets).Observe(absl::ToDoubleSeconds(run_time));
  }
}

void SchedulerMetrics::AttemptStarted(absl::string_view reason, absl::Duration queue_wait) {
  attempts_.Add({{"reason", std::string(reason)}}).Increment();
  queue_wait_.Observe(absl::ToDoubleSeconds(queue_wait));
}

void SchedulerMetrics::StoreTransaction(absl::string_view op, absl::Duration duration, bool ok) {
  const prometheus::Labels labels = {{"op", std::string(op)}};
  store_duration_.Add(labels, kStoreBuckets).Observe(absl::ToDoubleSeconds(duration));
  if (!ok) store_errors_.Add(labels).Increment();
}

void SchedulerMetrics::LeaseExpired() { leases_expired_.Increment(); }

void SchedulerMetrics::WorkerBenched() { workers_benched_.Increment(); }

}  // namespace tune::server
