// Learning rate by optimizer step, as transformers' get_scheduler gives it
// (transformers/optimization.py): linear warmup from 0, then constant, linear to 0, or
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

Schedule MakeSchedule(const std::string& kind, double learning_rate, double warmup_ratio,
                      int64_t total_steps);

}  // namespace tune
