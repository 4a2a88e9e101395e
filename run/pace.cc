#include "run/pace.h"

#include <algorithm>
#include <cmath>

namespace tune {
namespace {

// Weight of the newest step.
constexpr double kWeight = 0.1;

double Average(double before, double newest) {
  return std::isnan(before) ? newest : before + kWeight * (newest - before);
}

}  // namespace

void Pace::Add(double seconds, int64_t tokens) {
  if (!(seconds > 0)) return;
  // Of tokens and of seconds, not of their quotients: a long step counts for as long as it took.
  const double tokens_per_step =
      Average(tokens_per_second * seconds_per_step, static_cast<double>(tokens));
  seconds_per_step = Average(seconds_per_step, seconds);
  tokens_per_second = tokens_per_step / seconds_per_step;
}

double Pace::SecondsLeft(int64_t step, int64_t total_steps) const {
  return seconds_per_step * static_cast<double>(std::max<int64_t>(total_steps - step, 0));
}

}  // namespace tune
