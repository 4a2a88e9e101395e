#include "run/pace.h"

#include <algorithm>
#include <cmath>

namespace tune {
namespace {

constexpr double kWindowSeconds = 60;
constexpr double kWindowSteps = 10;

double Average(double before, double newest, double weight) {
  return std::isnan(before) ? newest : before + weight * (newest - before);
}

// Of the newest step.
double Weight(double seconds_per_step, int64_t steps) {
  if (std::isnan(seconds_per_step)) return 1;
  const double window = std::max(kWindowSteps, kWindowSeconds / seconds_per_step);
  return 1 / std::min(window, static_cast<double>(steps));
}

}  // namespace

void Pace::Add(double seconds, int64_t tokens) {
  if (!(seconds > 0)) return;
  // Of tokens and of seconds, not of their quotients: a long step counts for as long as it took.
  const double weight = Weight(seconds_per_step, ++steps);
  const double tokens_per_step =
      Average(tokens_per_second * seconds_per_step, static_cast<double>(tokens), weight);
  seconds_per_step = Average(seconds_per_step, seconds, weight);
  tokens_per_second = tokens_per_step / seconds_per_step;
}

double Pace::SecondsLeft(int64_t step, int64_t total_steps) const {
  return seconds_per_step * static_cast<double>(std::max<int64_t>(total_steps - step, 0));
}

}  // namespace tune
