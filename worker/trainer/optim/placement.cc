#include "worker/trainer/optim/placement.h"

namespace tune::trainer {
namespace {

// The most buckets, of `value_bytes` a value, that `bytes` hold.
int64_t Fitting(const FlatLayout& layout, int64_t value_bytes, int64_t bytes) {
  int64_t buckets = 0;
  while (buckets < layout.buckets() &&
         value_bytes * ValuesOfBuckets(layout, buckets + 1) <= bytes) {
    ++buckets;
  }
  return buckets;
}

}  // namespace

Placement PlaceState(const FlatLayout& layout, int64_t device_bytes) {
  Placement placement;
  placement.gradients = Fitting(layout, kGradientBytes, device_bytes);
  if (placement.gradients < layout.buckets()) return placement;
  placement.state = Fitting(layout, kStateBytes, device_bytes - kGradientBytes * layout.size());
  return placement;
}

int64_t DeviceBytes(const FlatLayout& layout, const Placement& placement) {
  return kGradientBytes * ValuesOfBuckets(layout, placement.gradients) +
         kStateBytes * ValuesOfBuckets(layout, placement.state);
}

int64_t ValuesOfBuckets(const FlatLayout& layout, int64_t buckets) {
  return buckets == 0 ? 0 : layout.Bucket(buckets - 1).end;
}

}  // namespace tune::trainer
