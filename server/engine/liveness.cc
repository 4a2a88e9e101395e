#include "server/engine/liveness.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/core/errors.h"

namespace tune::server {

Liveness::Liveness(Clock& clock, LeaseOptions options)
    : clock_(clock), options_(options), last_tick_(clock.Monotonic()) {}

void Liveness::Registered(const WorkerRecord& worker) {
  absl::MutexLock lock(&mutex_);
  Put(worker, /*heard=*/true);
}

void Liveness::Recorded(const WorkerRecord& worker) {
  absl::MutexLock lock(&mutex_);
  Put(worker, /*heard=*/false);
}

void Liveness::Put(const WorkerRecord& worker, bool heard) {
  LiveWorker& live = workers_[worker.id];
  live.incarnation = worker.incarnation;
  live.installation = worker.installation;
  live.deadline = clock_.Monotonic() + options_.ttl;
  live.heartbeat_time = worker.register_time;
  live.heard = heard;
  SetCondition(worker.id, live, {worker.resources.free_disk_bytes, worker.unhealthy});
}

void Liveness::SetCondition(const std::string& worker_id, LiveWorker& worker,
                            const WorkerCondition& condition) {
  if (!worker.condition.unhealthy.empty() && condition.unhealthy.empty()) bench_.Mended(worker_id);
  worker.condition = condition;
}

void Liveness::Left(const std::string& worker_id, const std::string& incarnation) {
  absl::MutexLock lock(&mutex_);
  if (FindWorker(worker_id, incarnation) != nullptr) workers_.erase(worker_id);
}

Liveness::LiveWorker* Liveness::FindWorker(const std::string& worker_id,
                                           const std::string& incarnation) {
  const auto worker = workers_.find(worker_id);
  const bool known = worker != workers_.end() && worker->second.incarnation == incarnation;
  return known ? &worker->second : nullptr;
}

std::optional<std::string> Liveness::LivingInstallation(const std::string& worker_id) {
  absl::MutexLock lock(&mutex_);
  const auto worker = workers_.find(worker_id);
  if (worker == workers_.end()) return std::nullopt;
  if (worker->second.deadline <= HeardUntil(clock_.Monotonic())) return std::nullopt;
  return worker->second.installation;
}

absl::Status Liveness::CheckWorker(const std::string& worker_id, const std::string& incarnation) {
  absl::MutexLock lock(&mutex_);
  LiveWorker* const worker = FindWorker(worker_id, incarnation);
  if (worker == nullptr) return UnknownWorker(worker_id);
  worker->deadline = clock_.Monotonic() + options_.ttl;
  worker->heartbeat_time = clock_.Now();
  worker->heard = true;
  return absl::OkStatus();
}

std::vector<LeaseKey> Liveness::Renew(const std::string& worker_id, const std::string& incarnation,
                                      const std::vector<LeaseKey>& held,
                                      const WorkerCondition& condition) {
  const absl::Duration deadline = clock_.Monotonic() + options_.ttl;
  std::vector<LeaseKey> ended;
  absl::MutexLock lock(&mutex_);
  LiveWorker* const worker = FindWorker(worker_id, incarnation);
  if (worker != nullptr) SetCondition(worker_id, *worker, condition);
  for (const LeaseKey& key : held) {
    LiveLease* const lease = Find(key);
    if (lease != nullptr && lease->incarnation == incarnation) {
      lease->deadline = deadline;
    } else {
      ended.push_back(key);
    }
  }
  return ended;
}

void Liveness::Granted(const LeaseKey& key, const std::string& worker_id,
                       const std::string& incarnation) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  LiveLease& lease = leases_[key.job_id];
  if (lease.epoch > key.epoch) return;
  const absl::Duration counted_from = lease.epoch == key.epoch ? lease.counted_from : now;
  lease = {key.epoch, worker_id, incarnation, now + options_.ttl, counted_from};
}

void Liveness::Ended(const LeaseKey& key) {
  absl::MutexLock lock(&mutex_);
  const auto lease = leases_.find(key.job_id);
  if (lease != leases_.end() && lease->second.epoch <= key.epoch) leases_.erase(lease);
}

Liveness::LiveLease* Liveness::Find(const LeaseKey& key) {
  const auto lease = leases_.find(key.job_id);
  return lease != leases_.end() && lease->second.epoch == key.epoch ? &lease->second : nullptr;
}

absl::Duration Liveness::TakeRunTime(const LeaseKey& key) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  LiveLease* const lease = Find(key);
  if (lease == nullptr) return absl::ZeroDuration();
  const absl::Duration time = now - lease->counted_from;
  lease->counted_from = now;
  return time;
}

void Liveness::GiveBackRunTime(const LeaseKey& key, absl::Duration time) {
  absl::MutexLock lock(&mutex_);
  if (LiveLease* const lease = Find(key)) lease->counted_from -= time;
}

absl::Duration Liveness::HeardUntil(absl::Duration now) {
  return now - last_tick_ > options_.StallLimit() ? last_tick_ : now;
}

void Liveness::RenewAll(absl::Duration now) {
  for (auto& [job_id, lease] : leases_) {
    lease.deadline = now + options_.ttl;
    lease.counted_from = std::min(lease.counted_from + (now - last_tick_), now);
  }
  for (auto& [worker_id, worker] : workers_) {
    if (worker.deadline > last_tick_) worker.deadline = now + options_.ttl;
  }
}

bool Liveness::TakeWakeUps(absl::Duration now) {
  const size_t waiting = due_.size() + avoidances_.size() + bench_ends_.size();
  absl::erase_if(due_, [&](const auto& entry) { return entry.second <= now; });
  absl::erase_if(avoidances_, [&](const auto& entry) { return entry.second <= now; });
  std::erase_if(bench_ends_, [&](absl::Duration end) { return end <= now; });
  return due_.size() + avoidances_.size() + bench_ends_.size() < waiting;
}

std::vector<LeaseKey> Liveness::Tick(bool* wake) {
  const absl::Duration now = clock_.Monotonic();
  std::vector<LeaseKey> up;
  absl::MutexLock lock(&mutex_);
  if (HeardUntil(now) < now) RenewAll(now);
  last_tick_ = now;
  for (const auto& [job_id, lease] : leases_) {
    if (lease.deadline <= now) up.push_back({job_id, lease.epoch});
  }
  *wake = TakeWakeUps(now);
  return up;
}

void Liveness::Delay(const std::string& job_id, absl::Duration delay) {
  const absl::Duration due = clock_.Monotonic() + delay;
  absl::MutexLock lock(&mutex_);
  if (delay > absl::ZeroDuration()) due_[job_id] = due;
  avoidances_[job_id] = due + kAvoidance;
}

bool Liveness::MayAvoid(const std::string& job_id) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  const auto end = avoidances_.find(job_id);
  return end != avoidances_.end() && now < end->second;
}

bool Liveness::IsDue(const std::string& job_id) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  const auto due = due_.find(job_id);
  return due == due_.end() || due->second <= now;
}

void Liveness::WorkerFailed(const std::string& worker_id, const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  bench_ends_.push_back(bench_.WorkerFailed(worker_id, reason, clock_.Monotonic()));
}

bool Liveness::JobFailed(const std::string& worker_id, const std::string& job_id,
                         const std::string& reason) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  if (!bench_.JobFailed(worker_id, job_id, reason, now)) return false;
  bench_ends_.push_back(bench_.Find(worker_id, now)->until);
  return true;
}

void Liveness::WentWell(const std::string& worker_id) {
  absl::MutexLock lock(&mutex_);
  bench_.WentWell(worker_id);
}

bool Liveness::IsAlive(const std::string& worker_id) {
  return LivingInstallation(worker_id).has_value();
}

std::string Liveness::UnhealthyAt(const std::string& worker_id, absl::Duration now) {
  const auto worker = workers_.find(worker_id);
  if (worker != workers_.end() && !worker->second.heard) {
    return "it has not been heard of since the scheduler started";
  }
  if (worker != workers_.end() && !worker->second.condition.unhealthy.empty()) {
    return worker->second.condition.unhealthy;
  }
  const auto benched = bench_.Find(worker_id, now);
  if (!benched) return "";
  return absl::StrCat("gets no job for ",
                      absl::FormatDuration(absl::Ceil(benched->until - now, absl::Seconds(1))),
                      " because what it was given failed: ", benched->reason);
}

std::string Liveness::Unhealthy(const std::string& worker_id) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  return UnhealthyAt(worker_id, now);
}

void Liveness::Complete(WorkerRecord& worker) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  for (const auto& [job_id, lease] : leases_) {
    if (lease.worker_id == worker.id) worker.job_ids.push_back(job_id);
  }
  std::sort(worker.job_ids.begin(), worker.job_ids.end());
  worker.unhealthy = UnhealthyAt(worker.id, now);
  worker.state = worker.job_ids.empty() ? WorkerState::kIdle : WorkerState::kBusy;
  if (!worker.unhealthy.empty()) worker.state = WorkerState::kUnhealthy;
  if (worker.cordon) worker.state = WorkerState::kCordoned;
  const auto live = workers_.find(worker.id);
  if (live != workers_.end() && !live->second.heard) worker.state = WorkerState::kUnknown;
  if (live == workers_.end() || live->second.deadline <= HeardUntil(now)) {
    worker.state = WorkerState::kLost;
  }
  if (live == workers_.end()) return;
  worker.heartbeat_time = live->second.heartbeat_time;
  worker.resources.free_disk_bytes = live->second.condition.free_disk_bytes;
}

}  // namespace tune::server
