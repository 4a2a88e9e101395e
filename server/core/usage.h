// How much of the fleet a user has had of late: what was long ago counts less and less.
#pragma once

#include "absl/time/time.h"

namespace tune::server {

// After so long half of a usage is forgotten.
inline constexpr absl::Duration kUsageHalfLife = absl::Hours(24 * 7);

struct Usage {
  double device_seconds = 0;               // GPUs, or workers without, times seconds; as of `time`
  absl::Time time = absl::InfinitePast();  // InfinitePast: none yet
};

// What is left of it at `now`; a clock that went back forgets nothing.
double UsageAt(const Usage& usage, absl::Time now);
// The same with `device_seconds` more.
Usage AddUsage(const Usage& usage, double device_seconds, absl::Time now);
// Lower for one who has had less. Which of two is lower does not change with time, but only when
// one of them is used more.
double UsageRank(const Usage& usage);

}  // namespace tune::server
