// What the queue and the fleet are at this moment: what the store keeps hot, with what only the
// memory of who lives and the blobs can tell.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "server/core/placement.h"
#include "server/engine/blobs.h"
#include "server/engine/liveness.h"
#include "server/store/store.h"

namespace tune::server {

// Every live worker, with what its leases leave free and why it gets no job, if it gets none.
Workers LiveFleet(const Fleet& fleet, Liveness& liveness);

// Why queued jobs wait whose model or datasets have a damaged blob, by job id.
using HarmedJobs = std::map<std::string, WaitReason>;
absl::StatusOr<HarmedJobs> FindHarmedJobs(Reader& reader, BlobStore& blobs);

// The job as it stands now: whether its retry is due, whether it still avoids anybody, and on hold
// where it is among the harmed, or its owner has as much as the quota allows.
QueuedJob JobNow(const QueuedJob& job, Liveness& liveness, const HarmedJobs& harmed,
                 const Fleet& fleet, const Quotas& quotas);

// Whether the worker, which waits, could take a job that avoids nobody.
bool CouldTake(const HotState& hot, Liveness& liveness, const std::string& worker_id,
               const QueuedJob& job);

}  // namespace tune::server
