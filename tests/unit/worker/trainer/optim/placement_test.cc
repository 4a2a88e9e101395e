#include "worker/trainer/optim/placement.h"

#include <gtest/gtest.h>

#include <random>

namespace tune::trainer {
namespace {

// Phi-2: 2.78 billion values.
const FlatLayout& Phi2Sized() {
  static const FlatLayout layout({2'779'683'840});
  return layout;
}

constexpr int64_t kGiB = int64_t{1} << 30;

TEST(PlaceState, TakesGradientsFirstAndThenState) {
  const FlatLayout& layout = Phi2Sized();
  EXPECT_EQ(PlaceState(layout, 0), Placement());
  EXPECT_EQ(PlaceState(layout, -kGiB), Placement());
  const Placement some = PlaceState(layout, 5 * kGiB);
  EXPECT_EQ(some.state, 0);
  EXPECT_NEAR(static_cast<double>(some.gradients) / layout.buckets(), 5 / 10.36, 0.01);
  // A card of 40 GiB, after its weights and a pass: about half of the state.
  const Placement half = PlaceState(layout, 27 * kGiB);
  EXPECT_EQ(half.gradients, layout.buckets());
  EXPECT_NEAR(static_cast<double>(half.state) / layout.buckets(), 0.53, 0.02);
  EXPECT_EQ(PlaceState(layout, 60 * kGiB), (Placement{layout.buckets(), layout.buckets()}));
}

// Never more than there is room for, and never less than one bucket more would take.
TEST(PlaceState, FillsWhatThereIs) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::vector<int64_t> sizes(1 + random() % 20);
    for (int64_t& size : sizes) size = static_cast<int64_t>(random() % 5000);
    const FlatLayout layout(sizes, 1, /*bucket_values=*/1 + static_cast<int64_t>(random() % 3000));
    const auto bytes = static_cast<int64_t>(random() % (20 * (layout.size() + 1)));
    const Placement placement = PlaceState(layout, bytes);
    EXPECT_LE(DeviceBytes(layout, placement), bytes);
    EXPECT_LE(placement.state, placement.gradients);
    EXPECT_TRUE(placement.state == 0 || placement.gradients == layout.buckets());
    Placement more = placement;
    ++(placement.gradients < layout.buckets() ? more.gradients : more.state);
    if (more.state <= layout.buckets()) {
      EXPECT_GT(DeviceBytes(layout, more), bytes);
    }
  }
}

}  // namespace
}  // namespace tune::trainer
