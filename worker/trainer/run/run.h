// One training run, from its folder to its exported model.
#pragma once

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"

namespace tune::trainer {

struct RunOptions {
  std::string dir;  // the run folder (run/folder.h)
  // Goes on from the newest checkpoint in the folder, if there is one.
  bool resume = false;
  // One of several processes started by LaunchRanks, and which.
  bool launched = false;
  int64_t rank = 0;
  // Set from outside: finish the step, write a checkpoint, return.
  const std::atomic<bool>* stop;
  Clock* clock;
};

enum class Outcome { kFinished, kInterrupted };

// Trains, and writes events and checkpoints on the way. An error has been written as a
// `failed` event if the event log could be opened; but one of several ranks writes it only
// if it is the first to fail, and never that another was lost, which is RankLost.
absl::StatusOr<Outcome> RunTraining(const RunOptions& options);

}  // namespace tune::trainer
