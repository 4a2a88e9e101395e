// Removing blobs that nothing refers to. Rows go first, then their blobs: a crash between
// leaves a blob too many, never one too few, and the sweep finds it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/core/registry.h"
#include "server/engine/blobs.h"
#include "server/store/store.h"

namespace tune::server {

// Removes those of the files' blobs that no row refers to any more. Call it after the
// commit that took the rows away. A failure is logged: the sweep comes again.
void CollectBlobs(Store& store, BlobStore& blobs, const std::vector<FileEntry>& files);

// At start: removes blobs without references a day after they came (an upload whose
// registration may still follow is younger), and uploads left for a week.
absl::Status SweepBlobs(Store& store, BlobStore& blobs, absl::Time now);

}  // namespace tune::server
