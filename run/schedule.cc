#include "run/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"

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

int64_t StepsPerEpoch(int64_t examples, int64_t batch_size) {
  return examples / batch_size + (examples % batch_size != 0);
}

int64_t TotalSteps(int64_t steps_per_epoch, double epochs, int64_t max_steps) {
  const auto steps = static_cast<int64_t>(std::ceil(epochs * static_cast<double>(steps_per_epoch)));
  return max_steps > 0 ? std::min(steps, max_steps) : steps;
}

std::string RateWarning(const Schedule& schedule) {
  for (int64_t step = 0; step < schedule.total_steps; ++step) {
    if (schedule.At(step) > 0) return "";
  }
  return absl::StrCat("the run has ", schedule.total_steps,
                      " optimizer step(s), and none with a learning rate above 0, as the rate "
                      "rises from 0 in the warmup: no weight would change; set warmup_ratio: 0, "
                      "or train for more steps");
}

Schedule MakeSchedule(const std::string& kind, double learning_rate, double warmup_ratio,
                      int64_t total_steps) {
  const double warmup = std::ceil(static_cast<double>(total_steps) * warmup_ratio);
  return {kind, learning_rate, static_cast<int64_t>(warmup), total_steps};
}

}  // namespace tune
