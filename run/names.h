// Resource names (AIP-122): "jobs/J", "jobs/J/checkpoints/C", "datasets/D", "models/M",
// "workers/W", and the bare ids in them.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

// INVALID_ARGUMENT with a field error on `field` that states the rule of new names: that of
// IsId (base/ids.h), and no dash at the beginning.
absl::Status CheckId(absl::string_view id, const std::string& field);

// "jobs/J".
std::string ResourceName(absl::string_view collection, absl::string_view id);
std::string CheckpointName(absl::string_view job_id, absl::string_view checkpoint_id);

// The id in "COLLECTION/ID"; INVALID_ARGUMENT shows the form a name of it has.
absl::StatusOr<std::string> ParseName(absl::string_view collection, absl::string_view name);

struct CheckpointRef {
  std::string job_id;
  std::string checkpoint_id;
};
absl::StatusOr<CheckpointRef> ParseCheckpointName(absl::string_view name);

}  // namespace tune
