// Orders jobs to make way for those of a higher priority (core/preemption.h).
#pragma once

#include "absl/status/status.h"
#include "base/clock.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/liveness.h"
#include "server/store/store.h"

namespace tune::server {

// Thread-safe.
class Preemptor {
 public:
  Preemptor(Store& store, BlobStore& blobs, Commits& commits, Clock& clock, Liveness& liveness)
      : store_(store), blobs_(blobs), commits_(commits), clock_(clock), liveness_(liveness) {}

  // Looks whether jobs must make way, and orders it: each writes a checkpoint and goes back to its
  // place in the queue, at no cost to it. A ticker calls this about once a second. Costs next to
  // nothing while no job waits that has a higher priority than one that is held.
  absl::Status Tick();

 private:
  Store& store_;
  BlobStore& blobs_;
  Commits& commits_;
  Clock& clock_;
  Liveness& liveness_;
};

}  // namespace tune::server
