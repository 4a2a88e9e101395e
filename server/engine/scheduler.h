// Giving queued jobs to workers that ask.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/worker.h"
#include "server/engine/leases.h"
#include "server/engine/observer.h"
#include "server/engine/watch.h"
#include "server/store/store.h"

namespace tune::server {

class Scheduler {
 public:
  Scheduler(Store& store, Clock& clock, Leases& leases, EventHub& hub, EngineObserver& observer);

  // The first job in the queue that fits the worker, leased to it; nullopt where there is
  // none: wait for the Signal `work` (Engine::work) and ask again with the same
  // request_id. A request_id that has got a lease gets the same one again while it lives;
  // once it has ended, nullopt. UnknownWorker as for Leases::Heartbeat.
  absl::StatusOr<std::optional<Lease>> AcquireLease(const std::string& worker_id,
                                                    const std::string& incarnation,
                                                    const std::string& request_id);

 private:
  absl::StatusOr<bool> MayGetLease(const std::string& worker_id, const std::string& incarnation,
                                   const std::string& request_id);

  Store& store_;
  Clock& clock_;
  Leases& leases_;
  EventHub& hub_;
  EngineObserver& observer_;
};

}  // namespace tune::server
