// Errors of fetching a blob from the scheduler, told from those of this host's own folders: the
// same code means other things of the two.
#pragma once

#include "absl/status/status.h"

namespace tune::worker {

// The status marked as one of a fetch; OK stays OK. Annotating it keeps the mark.
absl::Status AsFetchError(absl::Status status);
bool IsFetchError(const absl::Status& status);

}  // namespace tune::worker
