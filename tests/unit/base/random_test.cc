#include "base/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace tune {
namespace {

using ::testing::UnorderedElementsAreArray;

// From an implementation of the papers' C code in another language.
TEST(Random, GivesTheSameNumbersForever) {
  Random random({1, 2});
  EXPECT_EQ(random.Next(), 0x9f0b1e7ea7c98bcb);
  EXPECT_EQ(random.Next(), 0xd54ccb1d83f3af22);
  EXPECT_EQ(random.Next(), 0x3e1baa59da9fd066);
  EXPECT_EQ(random.Next(), 0x099260e214852133);
}

TEST(Random, EveryPartOfTheKeyMatters) {
  EXPECT_NE(Random({1, 2}).Next(), Random({2, 1}).Next());
  EXPECT_NE(Random({1}).Next(), Random({1, 0}).Next());
}

// The same method with another libm's logarithm; ours differs in the last bits at most.
TEST(Random, NormalsFollowThePolarMethod) {
  Random random({42});
  for (const double expected : {-0.7924475180189583, -0.26196130452611144, 1.5819127162298205,
                                0.1332769986409317, 0.11624356685867765, 0.4368329568714248}) {
    EXPECT_NEAR(random.Normal(), expected, 1e-14);
  }
}

TEST(Random, NormalsHaveTheMomentsOfANormal) {
  constexpr int kCount = 200'000;
  Random random({5});
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.Normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.012);  // five standard errors each
  EXPECT_NEAR(squares / kCount, 1, 0.016);
  EXPECT_NEAR(fourth / kCount, 3, 0.11);
}

TEST(Random, BelowIsEven) {
  Random random({9});
  std::vector<int> counts(6);
  for (int i = 0; i < 60'000; ++i) ++counts[random.Below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

// 2^63 + 1 throws away almost half of all draws; a plain modulo would fold them down.
TEST(Random, BelowThrowsBiasedDrawsAway) {
  Random random({11});
  const uint64_t n = (uint64_t{1} << 63) + 1;
  int low = 0;
  for (int i = 0; i < 10'000; ++i) low += random.Below(n) < n / 2;
  EXPECT_NEAR(low, 5'000, 250);
}

TEST(ShuffleFront, IsAPermutation) {
  std::vector<int> values(100), sorted(100);
  std::iota(values.begin(), values.end(), 0);
  sorted = values;
  Random random({3});
  ShuffleFront(values.size(), &random, &values);
  EXPECT_NE(values, sorted);
  EXPECT_THAT(values, UnorderedElementsAreArray(sorted));
}

TEST(ShuffleFront, EveryOrderComesAsOften) {
  std::map<std::vector<int>, int> counts;
  Random random({4});
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> values = {0, 1, 2, 3};
    ShuffleFront(values.size(), &random, &values);
    ++counts[values];
  }
  EXPECT_EQ(counts.size(), 24);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1'000, 160);
}

}  // namespace
}  // namespace tune
