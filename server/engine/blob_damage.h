// What a damaged blob harms, and what mends it, in words for people.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/engine/blobs.h"
#include "server/store/store.h"

namespace tune::server {

// `status` is of reading the blob `sha256`. Where it says that the blob is damaged, or not there
// though something refers to it: DamagedBlob with every dataset, model and checkpoint that is
// harmed, by name and file, and what to do; of a blob that is gone `blobs` takes note.
absl::Status ExplainDamage(const absl::Status& status, Store& store, BlobStore& blobs,
                           const std::string& sha256);

// What to do about the harmed `resource` ("models/M", "datasets/D", "jobs/J/checkpoints/C").
std::string MendingOf(const std::string& resource);

}  // namespace tune::server
