#include "server/core/usage.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tune::server {

double UsageAt(const Usage& usage, absl::Time now) {
  if (usage.time == absl::InfinitePast()) return 0;
  const absl::Duration passed = std::max(now - usage.time, absl::ZeroDuration());
  return usage.device_seconds * std::exp2(-absl::FDivDuration(passed, kUsageHalfLife));
}

Usage AddUsage(const Usage& usage, double device_seconds, absl::Time now) {
  return {UsageAt(usage, now) + device_seconds, std::max(usage.time, now)};
}

double UsageRank(const Usage& usage) {
  if (!(usage.device_seconds > 0)) return -std::numeric_limits<double>::infinity();
  return std::log2(usage.device_seconds) +
         absl::FDivDuration(usage.time - absl::UnixEpoch(), kUsageHalfLife);
}

}  // namespace tune::server
