// The one way in which the engine changes the store: a change says what is to be done once it
// is durable, and that is done here, in one place and one order.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "run/files.h"
#include "run/reason.h"
#include "server/core/job.h"
#include "server/core/lease.h"
#include "server/engine/blobs.h"
#include "server/engine/liveness.h"
#include "server/engine/observer.h"
#include "server/engine/waiters.h"
#include "server/engine/watch.h"
#include "server/store/store.h"

namespace tune::server {

// A lease that a worker has got.
struct GrantedLease {
  LeaseKey key;
  std::string worker_id;
  std::string incarnation;
};

// An attempt that began now.
struct StartedAttempt {
  std::string reason;  // "first", or a FaultName (run/reason.h): whose fault the end before was
  absl::Duration queue_wait;
};

// How an attempt ended, as the bench wants to know it.
struct EndedAttempt {
  std::string worker_id;
  std::string job_id;
  Fault fault = Fault::kNobody;
  bool well = false;   // it succeeded or made progress
  std::string reason;  // for people
  std::string owner;   // of the job
};

// Run time that a change has taken from a lease, to store it with the job.
struct TakenRunTime {
  LeaseKey key;
  absl::Duration time;
};

// What a change asks for after its commit.
struct Effects {
  std::string submitted;  // the job that came; "" for none
  std::vector<GrantedLease> granted;
  std::optional<StartedAttempt> started;
  std::vector<LeaseKey> ended;  // leases
  std::vector<EndedAttempt> attempts;
  std::vector<Job> over;               // jobs that are over
  std::vector<Job> requeued;           // queued again, to wait their retry_delay
  std::vector<FileEntry> dropped;      // whose blobs may be unreferenced now
  std::set<std::string> changed_jobs;  // by id: those that watch them look again
  bool fleet_shrank = false;           // others may have what a job would not give them before
  std::vector<TakenRunTime> run_time;  // given back where nothing was stored
};

// Takes the lease's run time for a change that stores it (Liveness::TakeRunTime).
absl::Duration TakeRunTime(Liveness& liveness, const LeaseKey& key, Effects& effects);

// Thread-safe.
class Commits {
 public:
  Commits(Store& store, BlobStore& blobs, Liveness& liveness, Waiters& waiters, EventHub& hub,
          EngineObserver& observer);

  using Change = absl::FunctionRef<absl::Status(Transaction&, Effects&)>;

  // Runs `change` in a transaction; after its commit, applies the effects. Where `change` or
  // the commit fails, nothing is applied.
  absl::Status Run(Change change);
  // The same for a change that refers to the blobs of `files`: they are there, else
  // FAILED_PRECONDITION names them as fields "FIELD[2]", and none is removed before the commit.
  absl::Status RunReferring(const std::vector<FileEntry>& files, const std::string& field,
                            Change change);
  // Tries `change` in a transaction, and takes all of it back: OK where it would be done.
  absl::Status Rehearse(Change change);

 private:
  absl::Status Write(Change change, Effects& effects);
  void GiveBack(const Effects& effects);
  void Apply(const Effects& effects);
  void Judge(const EndedAttempt& attempt);
  void Wake(const Effects& effects);
  // Whether an end lets a job of its owner begin that the quota has kept from it.
  bool FreesQuota(const Effects& effects);
  // Calls a waiting worker for a job that may be given out, if one could take it.
  void CallFor(const std::string& job_id);

  Store& store_;
  BlobStore& blobs_;
  Liveness& liveness_;
  Waiters& waiters_;
  EventHub& hub_;
  EngineObserver& observer_;
};

}  // namespace tune::server
