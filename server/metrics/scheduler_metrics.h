// Counters of what the scheduler does. What it holds (jobs by state, workers, bytes) is
// read when scraped: see fleet_collector.h.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "server/engine/observer.h"

namespace tune::server {

class SchedulerMetrics : public EngineObserver {
 public:
  explicit SchedulerMetrics(prometheus::Registry& registry);

  void JobSubmitted() override;
  void JobFinished(JobState result, absl::Duration run_time) override;
  void AttemptStarted(absl::string_view reason, absl::Duration queue_wait) override;
  void LeaseExpired() override;
  void WorkerBenched() override;
  void StoreTransaction(absl::string_view op, absl::Duration duration, bool ok) override;

  prometheus::Counter& uploaded_bytes() { return uploaded_bytes_; }
  prometheus::Counter& downloaded_bytes() { return downloaded_bytes_; }

 private:
  prometheus::Counter& submitted_;
  prometheus::Family<prometheus::Counter>& finished_;
  prometheus::Family<prometheus::Histogram>& run_duration_;
  prometheus::Family<prometheus::Counter>& attempts_;
  prometheus::Histogram& queue_wait_;
  prometheus::Counter& leases_expired_;
  prometheus::Counter& workers_benched_;
  prometheus::Family<prometheus::Histogram>& store_duration_;
  prometheus::Family<prometheus::Counter>& store_errors_;
  prometheus::Family<prometheus::Counter>& transferred_;
  prometheus::Counter& uploaded_bytes_;
  prometheus::Counter& downloaded_bytes_;
};

}  // namespace tune::server
