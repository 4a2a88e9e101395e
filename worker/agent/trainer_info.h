// What this worker's tune-trainer is, told by itself.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "worker/agent/process.h"

namespace tune::worker {

struct TrainerInfo {
  std::string version;                   // "0.1.0"
  std::vector<std::string> spec_fields;  // paths of a run spec that it knows: "eval.every"
};

// Runs `TRAINER version`, which shows too that the program and its libraries load. It needs no
// disk and no GPU, and takes well under a second. An error says what the trainer did instead:
// FAILED_PRECONDITION where it could not start, ended otherwise than with 0, or told something
// else, as one of an earlier release does; DEADLINE_EXCEEDED where it had not ended in time.
absl::StatusOr<TrainerInfo> AskTrainer(const std::string& trainer, ProcessRunner& processes,
                                       Clock& clock);

}  // namespace tune::worker
