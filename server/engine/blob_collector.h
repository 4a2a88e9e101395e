// Taking away blobs that nothing refers to. Rows go first, then their blobs: a crash between
// leaves a blob too many, never one too few, and the sweep finds it. What is taken away lies in
// the trash for a while (blob_trash.h).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/core/registry.h"
#include "server/engine/blobs.h"
#include "server/store/store.h"

namespace tune::server {

// Takes away those of the files' blobs that no row refers to any more. Call it after the
// commit that took the rows away. A failure is logged: the sweep comes again.
void CollectBlobs(Store& store, BlobStore& blobs, const std::vector<FileEntry>& files);

// Takes back from the trash whatever a row refers to: the database is an earlier one, from a
// backup.
absl::Status TakeBackReferenced(Store& store, BlobStore& blobs);

// Looks once a day of uptime for blobs that nothing refers to. What two sweeps have found so
// goes into the trash, what two sweeps have found in the trash is removed: so nothing goes at
// once after a start, and a wall clock that is wrong takes nothing away. One thread at a time.
class BlobCollector {
 public:
  BlobCollector(Store& store, BlobStore& blobs, Clock& clock)
      : store_(store), blobs_(blobs), clock_(clock) {}

  // Sweeps where it is time to; call it about once a second.
  void Tick();

 private:
  absl::Status Sweep();
  absl::Status EmptyTrash();

  Store& store_;
  BlobStore& blobs_;
  Clock& clock_;
  std::optional<absl::Duration> last_sweep_;  // monotonic
  std::set<std::string> unreferenced_;        // found by the last sweep
  std::set<std::string> in_trash_;            // found by the last sweep
};

}  // namespace tune::server
