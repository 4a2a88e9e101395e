// Workers that come, live and go, and with them the leases that they hold.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/lease.h"
#include "server/core/worker.h"
#include "server/engine/commits.h"
#include "server/engine/liveness.h"
#include "server/engine/observer.h"
#include "server/engine/waiters.h"
#include "server/store/store.h"

namespace tune::server {

struct Registration {
  WorkerRecord worker;
  // Leases of the worker's earlier process whose trainers still run.
  std::vector<LeaseKey> running;
};

// Thread-safe.
class Leases {
 public:
  Leases(Store& store, Commits& commits, Clock& clock, Liveness& liveness, Waiters& waiters,
         EngineObserver& observer);

  // Reads the live leases, the workers and the delayed jobs from the store. Once, before any
  // other call.
  absl::Status Start();

  // First call of a worker's life. Of the leases of an earlier incarnation of this name it
  // takes up those in `running`, also one that ran out meanwhile if nobody has had its job
  // since; the others end at once as WorkerLost. Returns those of
  // `running` that have ended, whose trainers must stop. Repeats have no effect beyond the
  // resources. INVALID_ARGUMENT names the field; NameInUse (core/errors.h) while a worker of
  // this name with another installation is alive; FAILED_PRECONDITION for a healthy worker
  // that does not tell what its trainer knows.
  absl::StatusOr<std::vector<LeaseKey>> RegisterWorker(const Registration& registration);

  // Renews the worker and those of `held` that live; returns those that ended, whose trainers
  // must stop. Writes nothing, and so works on a full disk, but where a lease ran out while its
  // worker was away: it goes on where nobody has had its job since. UnknownWorker (core/errors.h)
  // where this incarnation is not the registered one.
  absl::StatusOr<std::vector<LeaseKey>> Heartbeat(const std::string& worker_id,
                                                  const std::string& incarnation,
                                                  const std::vector<LeaseKey>& held,
                                                  WorkerCondition condition);

  // Of `held`, those whose trainers must write a checkpoint and end: the worker is asked to let go
  // of their jobs. Their attempts end as Yielded.
  std::vector<LeaseKey> Yielding(const std::vector<LeaseKey>& held) const;

  // This incarnation ends, by its own word: it is forgotten, and what it still holds ends at
  // once as WorkerLost. UnknownWorker as for Heartbeat. After another error (full disk) nobody
  // is alive under the name either.
  absl::Status Leave(const std::string& worker_id, const std::string& incarnation);

  // Ends the leases whose time is up, as WorkerLost, and wakes waiting workers when a retry or
  // a benched worker is due. A ticker calls this about once a second. An error (full disk)
  // leaves the rest for the next call.
  absl::Status ExpireDue();

  const LeaseOptions& options() const { return liveness_.options(); }

 private:
  absl::Status Expire(const LeaseKey& key);
  // Ends the job's attempt: its worker is gone.
  absl::Status Lose(Transaction& transaction, const Job& job, const std::string& message,
                    Effects& effects);
  // Lets a lease of this process that ran out go on; false where it has ended for good. Where
  // something else goes wrong a later heartbeat asks again.
  bool GoesOn(const std::string& worker_id, const std::string& incarnation, const LeaseKey& key);
  absl::Status LoseAll(Transaction& transaction, const std::string& worker_id,
                       const std::string& message, Effects& effects);
  absl::Status TakeUp(Transaction& transaction, const WorkerRecord& worker,
                      const std::vector<LeaseKey>& running, Effects& effects);

  Store& store_;
  Commits& commits_;
  Clock& clock_;
  Liveness& liveness_;
  Waiters& waiters_;
  EngineObserver& observer_;
};

}  // namespace tune::server
