// Names as people type them, and as the wire has them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune::client {

// "oig" -> "jobs/oig"; "jobs/oig" and "job/oig" (as tunectl prints it) stay the same job.
// The same for datasets, models and workers. Text with other slashes is kept, so that
// the scheduler's error names it.
std::string JobName(absl::string_view text);
std::string DatasetName(absl::string_view text);
std::string ModelName(absl::string_view text);
std::string WorkerName(absl::string_view text);

// "jobs/oig" -> "oig": what follows the last slash.
std::string ShortName(absl::string_view name);
// That of each, with `between` between them.
std::string ShortNames(const std::vector<std::string>& names, absl::string_view between);

// "JOB", "JOB@latest", "JOB@final", "JOB@step-00000012", "JOB@12" and the full
// "jobs/J/checkpoints/C" -> the full name; without "@", "latest". INVALID_ARGUMENT for
// an empty part.
absl::StatusOr<std::string> CheckpointName(absl::string_view text);

// "jobs/J/checkpoints/C" -> "J@C".
std::string ShortCheckpointName(absl::string_view name);

}  // namespace tune::client
