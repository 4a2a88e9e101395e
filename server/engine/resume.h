// Where the next attempt of a job goes on. A job's latest_checkpoint is the newest one that is
// trusted; one of its blobs may still be damaged on disk, and then an older one serves.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/core/job.h"
#include "server/core/registry.h"
#include "server/engine/blobs.h"
#include "server/store/store.h"

namespace tune::server {

// The newest resumable checkpoint, from the job's latest one back, all of whose blobs are
// whole; nullopt where the job begins with the model.
absl::StatusOr<std::optional<Checkpoint>> NewestWholeCheckpoint(Reader& reader, BlobStore& blobs,
                                                                const Job& job);

// The name of the resumable checkpoint registered before the job's latest one; "" for none.
absl::StatusOr<std::string> CheckpointBefore(Reader& reader, const Job& job);

}  // namespace tune::server
