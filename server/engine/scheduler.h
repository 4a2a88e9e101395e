// Giving queued jobs to workers that ask.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/lease.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/liveness.h"
#include "server/store/store.h"

namespace tune::server {

// Who asks for a job.
struct Asker {
  std::string worker_id;
  std::string incarnation;
  std::string request_id;
};

class Scheduler {
 public:
  Scheduler(Store& store, BlobStore& blobs, Commits& commits, Clock& clock, Liveness& liveness);

  // The first job in the queue that fits the worker, leased to it; nullopt where there is
  // none: wait to be called (Engine::waiters) and ask again with the same
  // request_id. A request_id that has got a lease gets the same one again while it lives;
  // once it has ended, nullopt. It goes on from the newest checkpoint that is whole
  // (engine/resume.h). UnknownWorker as for Leases::Heartbeat.
  absl::StatusOr<std::optional<Lease>> AcquireLease(const std::string& worker_id,
                                                    const std::string& incarnation,
                                                    const std::string& request_id);

 private:
  absl::StatusOr<bool> MayGetLease(const Asker& asker);

  Store& store_;
  BlobStore& blobs_;
  Commits& commits_;
  Clock& clock_;
  Liveness& liveness_;
};

}  // namespace tune::server
