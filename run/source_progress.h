// What a run has learned from each of its datasets: the one account, whoever shows it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "run/event.h"

namespace tune {

struct SourceProgress {
  std::string source;  // "datasets/NAME"
  // Mean over its target tokens in about the last 20 steps that had some, in nats: the tokens of
  // one such step count 0.95 times those of the next. A dataset with few rows in a step would
  // otherwise show the noise of a handful of tokens. NaN before the first.
  double loss = std::numeric_limits<double>::quiet_NaN();
  double loss_tokens = 0;  // that the mean is over, so weighted
  double eval_loss = std::numeric_limits<double>::quiet_NaN();  // of the last evaluation
  // As SourceStep has them, of the last step that had rows of it.
  int64_t examples = 0;
  int64_t tokens = 0;
  int64_t target_tokens = 0;
};

// Fold in what an event has of the sources. The list is in the order in which they were first
// seen.
void AddStep(const std::vector<SourceStep>& step, std::vector<SourceProgress>* sources);
void AddEvaluation(const std::vector<SourceLoss>& losses, std::vector<SourceProgress>* sources);

}  // namespace tune
