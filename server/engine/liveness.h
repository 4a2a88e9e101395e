// Who is alive, which leases live, which workers are benched, and which retries are due: all
// in memory and on the monotonic clock. The database holds what must survive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/core/bench.h"
#include "server/core/lease.h"
#include "server/core/worker.h"

namespace tune::server {

struct LeaseOptions {
  absl::Duration ttl = absl::Seconds(30);
  absl::Duration heartbeat_interval = absl::Seconds(5);

  // A gap between two Ticks above this is our own stall, not the workers'. It is short beside
  // the TTL, so that after a shorter gap a heartbeat that waited in the socket comes in time.
  absl::Duration StallLimit() const { return ttl / 4; }
};

// What a worker says of itself with every heartbeat.
struct WorkerCondition {
  int64_t free_disk_bytes = 0;
  std::string unhealthy;  // why it can train nothing now; "" for nothing
};

// Thread-safe.
class Liveness {
 public:
  static constexpr absl::Duration kAvoidance = absl::Minutes(1);

  Liveness(Clock& clock, LeaseOptions options);

  // The worker of this record is the one under its name from now on, and is alive.
  void Registered(const WorkerRecord& worker);
  // The same for one that an earlier scheduler registered: it has a lease's time to be heard of,
  // and gets no job before.
  void Recorded(const WorkerRecord& worker);
  // This incarnation has ended by itself: nobody is alive under its name.
  void Left(const std::string& worker_id, const std::string& incarnation);
  // The installation of the worker under this name, while it is alive; else nullopt.
  std::optional<std::string> LivingInstallation(const std::string& worker_id);

  // A sign of life; UnknownWorker unless this incarnation is the registered one.
  absl::Status CheckWorker(const std::string& worker_id, const std::string& incarnation);
  // Renews those of `held` that live; returns those that have ended. The condition is that of
  // the registered incarnation only; one that is well after it was not is benched no longer.
  std::vector<LeaseKey> Renew(const std::string& worker_id, const std::string& incarnation,
                              const std::vector<LeaseKey>& held, const WorkerCondition& condition);

  void Granted(const LeaseKey& key, const std::string& worker_id, const std::string& incarnation);
  void Ended(const LeaseKey& key);

  // The time that the lease's worker has held it since it was granted, or since the last call:
  // every moment is given out once. Zero for a lease that does not live.
  absl::Duration TakeRunTime(const LeaseKey& key);
  // What was taken could not be stored.
  void GiveBackRunTime(const LeaseKey& key, absl::Duration time);

  // One second has passed, or so: returns the leases whose time is up. After a gap longer than
  // StallLimit, in which nobody could be heard, every lease and every worker that was alive
  // gets a fresh TTL instead, and the gap is no one's run time. True in `wake` where a retry's
  // delay, an avoidance or a benching is over.
  std::vector<LeaseKey> Tick(bool* wake);

  // The job waits `delay` before its next attempt, and from then on for kAvoidance at most for
  // another worker than those on which it failed.
  void Delay(const std::string& job_id, absl::Duration delay);
  bool IsDue(const std::string& job_id);
  bool MayAvoid(const std::string& job_id);

  // How an attempt ended, for the bench (core/bench.h). Where the worker is benched, the next
  // Tick after it wakes those that wait.
  void WorkerFailed(const std::string& worker_id, const std::string& reason);
  // True where it benched the worker.
  bool JobFailed(const std::string& worker_id, const std::string& job_id,
                 const std::string& reason);
  void WentWell(const std::string& worker_id);

  bool IsAlive(const std::string& worker_id);
  // Why the worker gets no job: its own word, or the bench's; "" where it may.
  std::string Unhealthy(const std::string& worker_id);
  // Fills state, unhealthy, heartbeat_time, free disk and job_ids.
  void Complete(WorkerRecord& worker);

  const LeaseOptions& options() const { return options_; }

 private:
  struct LiveLease {
    int64_t epoch;
    std::string worker_id;
    std::string incarnation;
    absl::Duration deadline;
    absl::Duration counted_from;  // of the run time not yet taken
  };
  struct LiveWorker {
    std::string incarnation;
    std::string installation;
    WorkerCondition condition;
    absl::Duration deadline;
    absl::Time heartbeat_time;
    bool heard;  // by this scheduler
  };

  // Until when workers could be heard: the last Tick, where a stall has gone on since.
  absl::Duration HeardUntil(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RenewAll(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LiveLease* Find(const LeaseKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null unless this incarnation is the registered one.
  LiveWorker* FindWorker(const std::string& worker_id, const std::string& incarnation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(const WorkerRecord& worker, bool heard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetCondition(const std::string& worker_id, LiveWorker& worker,
                    const WorkerCondition& condition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string UnhealthyAt(const std::string& worker_id, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeWakeUps(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock& clock_;
  const LeaseOptions options_;

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, LiveLease> leases_ ABSL_GUARDED_BY(mutex_);  // by job id
  absl::flat_hash_map<std::string, LiveWorker> workers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, absl::Duration> due_ ABSL_GUARDED_BY(mutex_);  // by job id
  // By job id, until when it may avoid workers.
  absl::flat_hash_map<std::string, absl::Duration> avoidances_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> bench_ends_ ABSL_GUARDED_BY(mutex_);
  Bench bench_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_tick_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
