// What the registry has of the model and the datasets that a spec names.
#pragma once

#include "absl/status/statusor.h"
#include "run/spec.h"
#include "server/core/validation.h"
#include "server/engine/blobs.h"
#include "server/store/store.h"

namespace tune::server {

// What is not there is left out; what cannot be read from the disk is told as damaged.
absl::StatusOr<KnownInputs> ReadInputs(Reader& reader, BlobStore& blobs, const RunSpec& spec);

}  // namespace tune::server
