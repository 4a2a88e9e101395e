// A run of several ranks: one process each, started and watched by one more.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"

namespace tune::trainer {

struct LaunchOptions {
  std::string dir;  // the run folder
  // The program and its arguments; each rank gets "--rank R" after them.
  std::vector<std::string> command;
  int64_t ranks = 1;
  // Set from outside, at any time: the ranks then get SIGTERM, which they start with held back.
  const std::atomic<bool>* stop;
  Clock* clock;
};

// Exit codes of a rank.
struct RankExit {
  static constexpr int kFinished = 0;
  static constexpr int kFailed = 1;
  static constexpr int kInterrupted = 3;
  static constexpr int kRankLost = 4;  // another rank ended; that one tells why
};

// Runs the ranks to their end and returns the exit code for all of them. Where one fails or
// is killed the others are ended too; a death that no rank has told of becomes the run's
// `failed` event. The ranks die with this process, and none is left behind as a zombie.
absl::StatusOr<int> LaunchRanks(const LaunchOptions& options);

// True for the first caller of all ranks in one launch: its failure is the run's.
bool ClaimFailure(const std::string& dir);

}  // namespace tune::trainer
