// A job's progress by dataset, as the store keeps it.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "run/source_progress.h"

namespace tune::server {

Json SourcesToJson(const std::vector<SourceProgress>& sources);
// Its inverse; DATA_LOSS where the text is no such list.
absl::StatusOr<std::vector<SourceProgress>> SourcesFromJson(const Json& json);

}  // namespace tune::server
