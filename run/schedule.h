// How many optimizer steps a run has, and the learning rate of each, as transformers' get_scheduler
// gives it (transformers/optimization.py): linear warmup from 0, then constant, linear to 0, or
// half a cosine to 0.
#pragma once

#include <cstdint>
#include <string>

namespace tune {

struct Schedule {
  std::string kind;  // constant, linear, cosine
  double learning_rate;
  int64_t warmup_steps;  // ceil(total_steps * warmup_ratio)
  int64_t total_steps;

  // The rate that the update of `step` (from 0) uses.
  double At(int64_t step) const;
};

// ceil(examples / batch_size): the last batch of an epoch may be smaller.
int64_t StepsPerEpoch(int64_t examples, int64_t batch_size);

// ceil(epochs * steps_per_epoch), as transformers' Trainer counts, and at most max_steps where
// that is not 0.
int64_t TotalSteps(int64_t steps_per_epoch, double epochs, int64_t max_steps);

// "" where some step has a rate above 0; else a warning that the run would change no weight, and
// what to set: it is so for a run of one step, which is the first of a warmup.
std::string RateWarning(const Schedule& schedule);

Schedule MakeSchedule(const std::string& kind, double learning_rate, double warmup_ratio,
                      int64_t total_steps);

}  // namespace tune
