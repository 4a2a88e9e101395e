// Ending a job on request.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/job.h"
#include "server/engine/leases.h"
#include "server/engine/observer.h"
#include "server/engine/signal.h"
#include "server/engine/watch.h"
#include "server/store/store.h"

namespace tune::server {

class Cancel {
 public:
  Cancel(Store& store, Clock& clock, Leases& leases, Signal& work, EventHub& hub,
         EngineObserver& observer);

  // CANCELLED at once, its epoch raised: the worker learns by its next call. The first 1024
  // bytes of `reason` are kept as the job's message. FAILED_PRECONDITION for a job that is
  // over (a cancelled one is given back as it is), NOT_FOUND, INVALID_ARGUMENT for a reason
  // that is not UTF-8.
  absl::StatusOr<Job> CancelJob(const std::string& job_id, const std::string& reason);

 private:
  Store& store_;
  Clock& clock_;
  Leases& leases_;
  Signal& work_;
  EventHub& hub_;
  EngineObserver& observer_;
};

}  // namespace tune::server
