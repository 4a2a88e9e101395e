// Who is alive and which leases live. Deadlines are in memory, on the monotonic clock;
// the database holds what must survive: the job's state, worker and epoch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/core/worker.h"
#include "server/engine/observer.h"
#include "server/engine/signal.h"
#include "server/engine/watch.h"
#include "server/store/store.h"

namespace tune::server {

struct LeaseOptions {
  absl::Duration ttl = absl::Seconds(30);
  absl::Duration heartbeat_interval = absl::Seconds(5);
  // A gap between two ExpireDue calls above this is our own stall, not the workers'.
  absl::Duration stall_limit = absl::Seconds(5);
};

// Thread-safe.
class Leases {
 public:
  Leases(Store& store, Clock& clock, Signal& work, EventHub& hub, EngineObserver& observer,
         LeaseOptions options);

  // Reads the live leases and the workers from the store and gives each a fresh TTL. Once,
  // before any other call.
  absl::Status Start();

  // First call of a worker's life. Leases of an earlier incarnation of this name end at
  // once. Repeats have no effect beyond the resources. INVALID_ARGUMENT names the field.
  absl::Status RegisterWorker(const WorkerRecord& worker);

  // Renews the worker and those of `held` that live; returns those that ended, whose
  // trainers must stop. Writes nothing: works on a full disk. UnknownWorker
  // (core/errors.h) where this incarnation is not the registered one.
  absl::StatusOr<std::vector<LeaseKey>> Heartbeat(const std::string& worker_id,
                                                  const std::string& incarnation,
                                                  const std::vector<LeaseKey>& held,
                                                  int64_t free_disk_bytes);

  // Ends the leases whose time is up: to QUEUED, or FAILED (WorkerLost) after the last
  // attempt. Also wakes waiting workers when a retry's delay is over. A ticker calls this
  // about once a second. An error (full disk) leaves the rest for the next call.
  absl::Status ExpireDue();

  // ExpireDue wakes waiting workers once `delay` is over: a retry is due then.
  void WakeAfter(absl::Duration delay);

  // For Scheduler, Reports and Cancel: a lease was given, or ended, by a commit.
  void Granted(const LeaseKey& key, const std::string& worker_id, const std::string& incarnation);
  void Ended(const LeaseKey& key);

  // UnknownWorker unless this incarnation is the registered one. A sign of life.
  absl::Status CheckWorker(const std::string& worker_id, const std::string& incarnation);

  // Heard of within a TTL.
  bool IsAlive(const std::string& worker_id);
  // Fills state, heartbeat_time, free disk and job_ids from memory.
  void Complete(WorkerRecord& worker);

  const LeaseOptions& options() const { return options_; }

 private:
  struct LiveLease {
    int64_t epoch;
    std::string worker_id;
    std::string incarnation;
    absl::Duration deadline;
  };
  struct LiveWorker {
    std::string incarnation;
    absl::Duration deadline;
    absl::Time heartbeat_time;
    int64_t free_disk_bytes;
  };

  void RenewAll(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<LeaseKey> Due(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeWakeUps(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True where the lease had not ended before.
  absl::StatusOr<bool> EndAsLost(const LeaseKey& key, const std::string& message);
  absl::Status EndEarlierLeases(const WorkerRecord& worker);

  Store& store_;
  Clock& clock_;
  Signal& work_;
  EventHub& hub_;
  EngineObserver& observer_;
  const LeaseOptions options_;

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, LiveLease> leases_ ABSL_GUARDED_BY(mutex_);  // by job id
  absl::flat_hash_map<std::string, LiveWorker> workers_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_tick_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> wake_times_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
