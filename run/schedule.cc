#include "run/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tune {

double Schedule::At(int64_t step) const {
  if (step < warmup_steps) {
    return learning_rate * static_cast<double>(step) / static_cast<double>(warmup_steps);
  }
  if (kind == "constant") return learning_rate;
  const double decay_steps = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  if (kind == "linear") {
    return learning_rate * std::max(0.0, static_cast<double>(total_steps - step) / decay_steps);
  }
  const double progress = static_cast<double>(step - warmup_steps) / decay_steps;
  return learning_rate * std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

Schedule MakeSchedule(const std::string& kind, double learning_rate, double warmup_ratio,
                      int64_t total_steps) {
  const double warmup = std::ceil(static_cast<double>(total_steps) * warmup_ratio);
  return {kind, learning_rate, static_cast<int64_t>(warmup), total_steps};
}

}  // namespace tune
