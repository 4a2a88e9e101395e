// The checkpoint folders of a run, as their owner keeps and removes them: the worker, or, in a
// run by hand, the trainer. Every folder is removed under another name, so that a kill on the
// way leaves nothing that looks like a checkpoint, and what is gone already is gone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tune {

// Room for what a checkpoint holds beside weights and optimizer state: tokenizer, configuration,
// the run's log.
inline constexpr int64_t kSmallCheckpointFilesBytes = 16 << 20;

// The ids of the complete step checkpoints ("step-00000012") in RUN_DIR/checkpoints, by step,
// oldest first. A folder is complete once its manifest.json is there.
std::vector<std::string> StepCheckpoints(const std::string& run_dir);

// Whether there is a complete checkpoint in RUN_DIR/checkpoints, of a step or the result.
bool HoldsCheckpoint(const std::string& run_dir);

// Removes the checkpoint folder `path`. OK where it is not there, or somebody else removes it
// too.
absl::Status RemoveCheckpoint(const std::string& path);

// Removes all step checkpoints but the newest `keep`; goes on after a failure and returns the
// first one.
absl::Status RemoveOldCheckpoints(const std::string& run_dir, int64_t keep);

// Removes what kills have left in RUN_DIR/checkpoints: folders half written, folders half
// removed, and step folders without a manifest, as older programs left them. Goes on after a
// failure and returns the first one.
absl::Status SweepCheckpoints(const std::string& run_dir);

}  // namespace tune
