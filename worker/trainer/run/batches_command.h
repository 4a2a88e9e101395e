// `tune-trainer batches`.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace tune::trainer {

// Prints the rows of each optimizer step of a run folder, from 1, one JSON object a line:
// {"step":1,"rows":[{"dataset":"datasets/NAME","row":17,"tokens":112,"loss":1.25},…]}. The
// losses, in nats per target token, are there for steps that the folder's log has, and
// "skipped":true for one that left the weights alone. Only `step`, or 0 for all.
absl::Status RunBatches(const std::string& run_dir, int64_t step);

}  // namespace tune::trainer
