// How fast a run goes and how long it still takes: the one estimate, whoever shows it.
#pragma once

#include <cstdint>
#include <limits>

namespace tune {

// Moving averages over about the last minute, at least ten steps; of fewer steps than that, the
// mean. An attempt begins with a new one: another worker may be faster. NaN where nothing is
// known.
struct Pace {
  double seconds_per_step = std::numeric_limits<double>::quiet_NaN();
  double tokens_per_second = std::numeric_limits<double>::quiet_NaN();
  int64_t steps = 0;  // folded in

  // Folds in the next step, which took `seconds` for `tokens` tokens. A step without a time
  // changes nothing.
  void Add(double seconds, int64_t tokens);
  bool known() const { return seconds_per_step > 0; }
  // Until `total_steps` steps are done, `step` of which are.
  double SecondsLeft(int64_t step, int64_t total_steps) const;
};

}  // namespace tune
