#include "server/metrics/fleet_collector.h"

#include <filesystem>

#include "base/log.h"
#include "monitor/metric_families.h"

namespace tune::server {
namespace {

using prometheus::MetricType;

constexpr int64_t kMaxWorkers = 1000;

std::string WorkerStateName(WorkerState state) {
  switch (state) {
    case WorkerState::kIdle:
      return "IDLE";
    case WorkerState::kBusy:
      return "BUSY";
    case WorkerState::kLost:
      return "LOST";
    case WorkerState::kUnhealthy:
      return "UNHEALTHY";
    case WorkerState::kUnknown:
      return "UNKNOWN";
    case WorkerState::kCordoned:
      return "CORDONED";
  }
  return "";
}

double UnixSeconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

void CollectStats(const QueueStats& stats, MetricFamilies& out) {
  out.Begin("tune_jobs", "Jobs in the store by current state", MetricType::Gauge);
  for (const auto& [state, count] : stats.jobs) {
    out.Add({{"state", std::string(JobStateName(state))}}, static_cast<double>(count));
  }
  out.Begin("tune_workers",
            "Registered workers by state: IDLE, BUSY, CORDONED, UNHEALTHY, UNKNOWN or LOST",
            MetricType::Gauge);
  for (const auto& [state, count] : stats.workers) {
    out.Add({{"state", WorkerStateName(state)}}, static_cast<double>(count));
  }
  out.Single("tune_checkpoints", "Checkpoints registered", MetricType::Gauge,
             static_cast<double>(stats.checkpoints));
  out.Single("tune_store_size_bytes", "Size of the SQLite database and its WAL", MetricType::Gauge,
             static_cast<double>(stats.store_size_bytes));
  if (!stats.oldest_queued_time) return;
  out.Single("tune_queue_oldest_job_timestamp_seconds",
             "Unix time at which the job was queued that waits longest; absent with none",
             MetricType::Gauge, UnixSeconds(*stats.oldest_queued_time));
}

void CollectHeartbeats(const std::vector<WorkerRecord>& workers, MetricFamilies& out) {
  out.Begin("tune_worker_last_heartbeat_timestamp_seconds",
            "Unix time of the last heartbeat received from the worker", MetricType::Gauge);
  for (const WorkerRecord& worker : workers) {
    if (worker.heartbeat_time == absl::InfinitePast()) continue;
    out.Add({{"worker", worker.id}}, UnixSeconds(worker.heartbeat_time));
  }
}

void CollectStorage(const std::string& dir, MetricFamilies& out) {
  std::error_code error;
  const auto space = std::filesystem::space(dir, error);
  if (error) return;
  out.Begin("tune_storage_free_bytes", "Free bytes on the volume", MetricType::Gauge);
  out.Add({{"volume", "data"}}, static_cast<double>(space.available));
  out.Begin("tune_storage_size_bytes", "Size of the volume in bytes", MetricType::Gauge);
  out.Add({{"volume", "data"}}, static_cast<double>(space.capacity));
}

// Each is an alarm where it is not 0.
void CollectDamage(Engine& engine, MetricFamilies& out) {
  out.Single("tune_scheduler_blobs_damaged",
             "Blobs found damaged, set aside and not sent again since", MetricType::Gauge,
             static_cast<double>(engine.blobs().Damaged().size()));
  out.Single("tune_scheduler_store_damaged", "1 once the database has proved damaged, else 0",
             MetricType::Gauge, engine.StoreDamage().ok() ? 0 : 1);
}

}  // namespace

std::vector<prometheus::MetricFamily> FleetCollector::Collect() const {
  MetricFamilies families;
  CollectDamage(engine_, families);
  if (const auto stats = engine_.queries().Stats(); stats.ok()) {
    CollectStats(*stats, families);
  } else {
    spdlog::warn("metrics: no queue statistics status={}", stats.status().ToString());
  }
  if (const auto workers = engine_.queries().ListWorkers({.size = kMaxWorkers, .token = ""});
      workers.ok()) {
    CollectHeartbeats(workers->items, families);
  }
  CollectStorage(data_dir_, families);
  return std::move(families).Take();
}

}  // namespace tune::server
