#include "server/rpc/fleet_collector.h"

#include <filesystem>

#include "base/log.h"
#include "server/rpc/metric_family.h"

namespace tune::server {
namespace {

constexpr int64_t kMaxWorkers = 1000;

std::string WorkerStateName(WorkerState state) {
  return state == WorkerState::kIdle ? "IDLE" : state == WorkerState::kBusy ? "BUSY" : "LOST";
}

void CollectStats(const QueueStats& stats, std::vector<prometheus::MetricFamily>& families) {
  auto& jobs = families.emplace_back(Gauges("tune_jobs", "Jobs in the store by current state"));
  for (const auto& [state, count] : stats.jobs) {
    AddValue(jobs, static_cast<double>(count), {{"state", std::string(JobStateName(state))}});
  }
  auto& workers = families.emplace_back(
      Gauges("tune_workers", "Registered workers by state: IDLE, BUSY or LOST"));
  for (const auto& [state, count] : stats.workers) {
    AddValue(workers, static_cast<double>(count), {{"state", WorkerStateName(state)}});
  }
  AddValue(families.emplace_back(Gauges("tune_checkpoints", "Checkpoints registered")),
           static_cast<double>(stats.checkpoints));
  AddValue(families.emplace_back(
               Gauges("tune_store_size_bytes", "Size of the SQLite database and its WAL")),
           static_cast<double>(stats.store_size_bytes));
  if (!stats.oldest_queued_time) return;
  AddValue(families.emplace_back(Gauges(
               "tune_queue_oldest_job_timestamp_seconds",
               "Unix time at which the job was queued that waits longest; absent with none")),
           absl::ToDoubleSeconds(*stats.oldest_queued_time - absl::UnixEpoch()));
}

void CollectHeartbeats(const std::vector<WorkerRecord>& workers,
                       std::vector<prometheus::MetricFamily>& families) {
  auto& heartbeats =
      families.emplace_back(Gauges("tune_worker_last_heartbeat_timestamp_seconds",
                                   "Unix time of the last heartbeat received from the worker"));
  for (const WorkerRecord& worker : workers) {
    if (worker.heartbeat_time == absl::InfinitePast()) continue;
    AddValue(heartbeats, absl::ToDoubleSeconds(worker.heartbeat_time - absl::UnixEpoch()),
             {{"worker", worker.id}});
  }
}

void CollectStorage(const std::string& dir, std::vector<prometheus::MetricFamily>& families) {
  std::error_code error;
  const auto space = std::filesystem::space(dir, error);
  if (error) return;
  AddValue(families.emplace_back(Gauges("tune_storage_free_bytes", "Free bytes on the volume")),
           static_cast<double>(space.available), {{"volume", "data"}});
  AddValue(families.emplace_back(Gauges("tune_storage_size_bytes", "Size of the volume in bytes")),
           static_cast<double>(space.capacity), {{"volume", "data"}});
}

// Each is an alarm where it is not 0.
void CollectDamage(Engine& engine, std::vector<prometheus::MetricFamily>& families) {
  AddValue(families.emplace_back(Gauges("tune_scheduler_blobs_damaged",
                                        "Blobs found damaged, set aside and not sent again since")),
           static_cast<double>(engine.blobs().Damaged().size()));
  AddValue(families.emplace_back(Gauges("tune_scheduler_store_damaged",
                                        "1 once the database has proved damaged, else 0")),
           engine.StoreDamage().ok() ? 0 : 1);
}

}  // namespace

std::vector<prometheus::MetricFamily> FleetCollector::Collect() const {
  std::vector<prometheus::MetricFamily> families;
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
  return families;
}

}  // namespace tune::server
