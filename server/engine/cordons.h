// Workers that people take out of service: they get no job, and what they train they may have to
// let go of.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/worker.h"
#include "server/engine/commits.h"
#include "server/engine/liveness.h"
#include "server/engine/waiters.h"
#include "server/store/store.h"

namespace tune::server {

struct CordonOrder {
  std::string worker_id;
  std::string reason = {};     // at most 1024 bytes
  std::string user = {};       // who orders it; "" where nobody is named
  bool yield = false;          // its jobs write a checkpoint and go back into the queue
  bool validate_only = false;  // tells what would come of it, and does nothing
};

// Thread-safe. A cordon outlasts the worker's process and the scheduler's.
class Cordons {
 public:
  Cordons(Commits& commits, Clock& clock, Liveness& liveness, Waiters& waiters)
      : commits_(commits), clock_(clock), liveness_(liveness), waiters_(waiters) {}

  // From now on the worker gets no job; what it trains goes on, unless it is to yield. Replaces a
  // cordon that is there. Returns the worker as it is then. NOT_FOUND; INVALID_ARGUMENT by field.
  absl::StatusOr<WorkerRecord> Cordon(const CordonOrder& order);
  // The worker gets jobs again; those that it was asked to let go of are still let go of. `yield`
  // and `reason` have no meaning here. OK where there is no cordon; NOT_FOUND where there is
  // neither cordon nor worker.
  absl::Status Uncordon(const CordonOrder& order);

 private:
  Commits& commits_;
  Clock& clock_;
  Liveness& liveness_;
  Waiters& waiters_;
};

}  // namespace tune::server
