// What the store and the memory of who lives say at one moment, as core/placement.h wants it.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/core/placement.h"
#include "server/engine/blobs.h"
#include "server/engine/liveness.h"
#include "server/store/store.h"

namespace tune::server {

// Every live worker, with what its leases leave free and why it gets no job, if it gets none.
absl::StatusOr<std::vector<WorkerSlot>> LiveFleet(Reader& reader, Liveness& liveness);

// Every queued job, with whether its retry is due and whom it still avoids, and on hold where a
// blob of its model or of its datasets is damaged.
absl::StatusOr<std::vector<QueuedJob>> DueQueue(Reader& reader, Liveness& liveness,
                                                BlobStore& blobs);

}  // namespace tune::server
