// What of a rank's optimizer state lies on the device. A step ends with the gradients of the first
// buckets, and the next one begins with their weights: they have the least time to go to the host
// and come back. So it is always the first buckets that stay on the device.
#pragma once

#include <cstdint>

#include "worker/trainer/optim/flat_layout.h"

namespace tune::trainer {

// Numbers of buckets, from the first. The rest is in host memory.
struct Placement {
  int64_t state = 0;      // fp32 masters and moments on the device; at most `gradients`
  int64_t gradients = 0;  // fp32 gradients added up on the device over the passes of a step

  bool StateOnDevice(int64_t bucket) const { return bucket < state; }
  bool GradientsOnDevice(int64_t bucket) const { return bucket < gradients; }
  bool operator==(const Placement&) const = default;
};

// As many whole buckets as `device_bytes` hold of gradients' sums and then of state
// (recipe/plan/memory_plan.h).
Placement PlaceState(const FlatLayout& layout, int64_t device_bytes);

// Bytes on the device.
int64_t DeviceBytes(const FlatLayout& layout, const Placement& placement);

// Values of the layout's first so many buckets.
int64_t ValuesOfBuckets(const FlatLayout& layout, int64_t buckets);

}  // namespace tune::trainer
