// What becomes of an optimizer step whose loss or gradient is out of order, as the spec's
// on_spike and on_nonfinite say.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/trainer/run/lineage.h"
#include "worker/trainer/run/setup.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {

// So many skipped steps in a row end the run: its weights will not get better.
inline constexpr int64_t kMostSkippedSteps = 16;

// Judges the step with this index, counted from 0, before its update. `log` has every step before
// it, skipped ones too: nothing else is remembered, so that a resumed run judges alike. A warning
// names the rows most to blame as DATASET:ROW with their losses per target token, or tells that the
// run diverges. LossSpike or
// NonFiniteLoss, naming them too, where the run is to stop.
absl::StatusOr<StepVerdict> JudgeStep(const Setup& setup, int64_t step_index,
                                      const StepResult& result, const std::vector<LogEntry>& log);

}  // namespace tune::trainer
