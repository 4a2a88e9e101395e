#include "worker/trainer/optim/placement.h"

#include "recipe/plan/memory_plan.h"

namespace tune::trainer {
namespace {

// The most buckets that so many values hold.
int64_t Fitting(const FlatLayout& layout, int64_t values) {
  int64_t buckets = 0;
  while (buckets < layout.buckets() && ValuesOfBuckets(layout, buckets + 1) <= values) ++buckets;
  return buckets;
}

}  // namespace

Placement PlaceState(const FlatLayout& layout, int64_t device_bytes) {
  const DeviceShare share = ShareOf(layout.size(), device_bytes);
  return {.state = Fitting(layout, share.state_values),
          .gradients = Fitting(layout, share.gradient_values)};
}

int64_t DeviceBytes(const FlatLayout& layout, const Placement& placement) {
  return kGradientBytes * ValuesOfBuckets(layout, placement.gradients) +
         kStateBytes * ValuesOfBuckets(layout, placement.state);
}

int64_t ValuesOfBuckets(const FlatLayout& layout, int64_t buckets) {
  return buckets == 0 ? 0 : layout.Bucket(buckets - 1).end;
}

}  // namespace tune::trainer
