#include "server/engine/leases.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/log.h"
#include "base/status.h"
#include "run/names.h"
#include "server/core/errors.h"
#include "server/engine/attempts.h"

namespace tune::server {
namespace {

constexpr size_t kMaxTextBytes = 128;
constexpr int64_t kAllWorkers = 100000;

absl::Status CheckRegistration(const WorkerRecord& worker) {
  FieldErrors errors;
  for (const FieldError& e : FieldErrorsOf(CheckId(worker.id, "worker_id"))) {
    errors.Add(e.field, e.message);
  }
  if (worker.incarnation.empty() || worker.incarnation.size() > kMaxTextBytes) {
    errors.Add("incarnation", absl::StrCat("must be 1 to ", kMaxTextBytes, " bytes"));
  }
  if (worker.version.size() > kMaxTextBytes) {
    errors.Add("version", absl::StrCat("must be at most ", kMaxTextBytes, " bytes"));
  }
  return errors.ToStatus("worker");
}

}  // namespace

Leases::Leases(Store& store, Clock& clock, Signal& work, EventHub& hub, EngineObserver& observer,
               LeaseOptions options)
    : store_(store),
      clock_(clock),
      work_(work),
      hub_(hub),
      observer_(observer),
      options_(options),
      last_tick_(clock.Monotonic()) {}

absl::Status Leases::Start() {
  const absl::Duration now = clock_.Monotonic();
  const absl::Duration deadline = now + options_.ttl;
  return store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs());
    ASSIGN_OR_RETURN(const auto workers, reader.ListWorkers("", kAllWorkers));
    absl::MutexLock lock(&mutex_);
    last_tick_ = now;
    for (const Job& job : held) {
      ASSIGN_OR_RETURN(const Attempt attempt, reader.GetAttempt(job.id, job.attempts_used));
      leases_[job.id] = {job.epoch, job.worker_id, attempt.incarnation, deadline};
    }
    for (const WorkerRecord& worker : workers) {
      workers_[worker.id] = {worker.incarnation, deadline, worker.register_time,
                             worker.resources.free_disk_bytes};
    }
    return absl::OkStatus();
  });
}

absl::Status Leases::RegisterWorker(const WorkerRecord& worker) {
  RETURN_IF_ERROR(CheckRegistration(worker));
  WorkerRecord record = worker;
  record.register_time = clock_.Now();
  RETURN_IF_ERROR(
      store_.Write([&](Transaction& transaction) { return transaction.PutWorker(record); }));
  {
    absl::MutexLock lock(&mutex_);
    workers_[worker.id] = {worker.incarnation, clock_.Monotonic() + options_.ttl,
                           record.register_time, worker.resources.free_disk_bytes};
  }
  RETURN_IF_ERROR(EndEarlierLeases(worker));
  work_.Notify();
  return absl::OkStatus();
}

absl::Status Leases::EndEarlierLeases(const WorkerRecord& worker) {
  std::vector<LeaseKey> earlier;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs());
    for (const Job& job : held) {
      if (job.worker_id != worker.id) continue;
      ASSIGN_OR_RETURN(const Attempt attempt, reader.GetAttempt(job.id, job.attempts_used));
      if (attempt.incarnation != worker.incarnation) earlier.push_back({job.id, job.epoch});
    }
    return absl::OkStatus();
  }));
  for (const LeaseKey& key : earlier) {
    RETURN_IF_ERROR(EndAsLost(key, absl::StrCat("workers/", worker.id, " started anew")).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LeaseKey>> Leases::Heartbeat(const std::string& worker_id,
                                                        const std::string& incarnation,
                                                        const std::vector<LeaseKey>& held,
                                                        int64_t free_disk_bytes) {
  RETURN_IF_ERROR(CheckWorker(worker_id, incarnation));
  const absl::Duration deadline = clock_.Monotonic() + options_.ttl;
  std::vector<LeaseKey> ended;
  absl::MutexLock lock(&mutex_);
  workers_[worker_id].free_disk_bytes = free_disk_bytes;
  for (const LeaseKey& key : held) {
    const auto lease = leases_.find(key.job_id);
    if (lease != leases_.end() && lease->second.epoch == key.epoch &&
        lease->second.incarnation == incarnation) {
      lease->second.deadline = deadline;
    } else {
      ended.push_back(key);
    }
  }
  return ended;
}

absl::Status Leases::CheckWorker(const std::string& worker_id, const std::string& incarnation) {
  absl::MutexLock lock(&mutex_);
  const auto worker = workers_.find(worker_id);
  if (worker == workers_.end() || worker->second.incarnation != incarnation) {
    return UnknownWorker(worker_id);
  }
  worker->second.deadline = clock_.Monotonic() + options_.ttl;
  worker->second.heartbeat_time = clock_.Now();
  return absl::OkStatus();
}

void Leases::RenewAll(absl::Duration now) {
  for (auto& [job_id, lease] : leases_) lease.deadline = now + options_.ttl;
  for (auto& [worker_id, worker] : workers_) {
    if (worker.deadline > last_tick_) worker.deadline = now + options_.ttl;
  }
}

std::vector<LeaseKey> Leases::Due(absl::Duration now) {
  std::vector<LeaseKey> due;
  for (const auto& [job_id, lease] : leases_) {
    if (lease.deadline <= now) due.push_back({job_id, lease.epoch});
  }
  return due;
}

bool Leases::TakeWakeUps(absl::Duration now) {
  const auto due = std::partition(wake_times_.begin(), wake_times_.end(),
                                  [&](absl::Duration time) { return time > now; });
  const bool any = due != wake_times_.end();
  wake_times_.erase(due, wake_times_.end());
  return any;
}

absl::Status Leases::ExpireDue() {
  std::vector<LeaseKey> due;
  bool wake;
  {
    const absl::Duration now = clock_.Monotonic();
    absl::MutexLock lock(&mutex_);
    if (now - last_tick_ > options_.stall_limit) RenewAll(now);
    last_tick_ = now;
    due = Due(now);
    wake = TakeWakeUps(now);
  }
  absl::Status status;
  for (const LeaseKey& key : due) {
    const auto ended =
        EndAsLost(key, absl::StrCat("no heartbeat for ", absl::FormatDuration(options_.ttl)));
    status.Update(ended.status());
    if (ended.value_or(false)) observer_.LeaseExpired();
  }
  if (wake) work_.Notify();
  return status;
}

absl::StatusOr<bool> Leases::EndAsLost(const LeaseKey& key, const std::string& message) {
  Job after;
  const absl::Status status = store_.Write([&](Transaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, GetHeldJob(transaction, key));
    ASSIGN_OR_RETURN(after, FailAttempt(transaction, job, {"WorkerLost", message},
                                        /*retryable=*/true, absl::ZeroDuration(), clock_.Now()));
    return absl::OkStatus();
  });
  if (!status.ok() && !IsStaleEpoch(status)) return status;
  Ended(key);
  if (!status.ok()) return false;
  spdlog::warn("lease ended job={} epoch={} worker={} now={} reason=\"{}\"", key.job_id, key.epoch,
               after.worker_id, std::string(JobStateName(after.state)), message);
  ObserveEnd(after, observer_);
  hub_.Notify(key.job_id);
  work_.Notify();
  return true;
}

void Leases::WakeAfter(absl::Duration delay) {
  absl::MutexLock lock(&mutex_);
  wake_times_.push_back(clock_.Monotonic() + delay);
}

void Leases::Granted(const LeaseKey& key, const std::string& worker_id,
                     const std::string& incarnation) {
  absl::MutexLock lock(&mutex_);
  LiveLease& lease = leases_[key.job_id];
  if (lease.epoch > key.epoch) return;
  lease = {key.epoch, worker_id, incarnation, clock_.Monotonic() + options_.ttl};
}

void Leases::Ended(const LeaseKey& key) {
  absl::MutexLock lock(&mutex_);
  const auto lease = leases_.find(key.job_id);
  if (lease != leases_.end() && lease->second.epoch <= key.epoch) leases_.erase(lease);
}

bool Leases::IsAlive(const std::string& worker_id) {
  absl::MutexLock lock(&mutex_);
  const auto worker = workers_.find(worker_id);
  return worker != workers_.end() && worker->second.deadline > clock_.Monotonic();
}

void Leases::Complete(WorkerRecord& worker) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [job_id, lease] : leases_) {
    if (lease.worker_id == worker.id) worker.job_ids.push_back(job_id);
  }
  std::sort(worker.job_ids.begin(), worker.job_ids.end());
  worker.state = worker.job_ids.empty() ? WorkerState::kIdle : WorkerState::kBusy;
  const auto live = workers_.find(worker.id);
  if (live == workers_.end() || live->second.deadline <= clock_.Monotonic()) {
    worker.state = WorkerState::kLost;
  }
  if (live == workers_.end()) return;
  worker.heartbeat_time = live->second.heartbeat_time;
  worker.resources.free_disk_bytes = live->second.free_disk_bytes;
}

}  // namespace tune::server
