#include "recipe/data/mixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace tune {
namespace {

using testing::ElementsAre;

MixtureSpec Proportional(double temperature = 1, int64_t limit = 0, int64_t rows = 0) {
  return {"proportional", temperature, limit, rows};
}

TEST(Mixture, ConcatenationRoundsEachSourceByItself) {
  EXPECT_THAT(DrawsPerEpoch({}, {{10, 2.3}, {10, 0.4}, {11, 2.5}, {5, 1}}),
              ElementsAre(23, 4, 28, 5));
}

TEST(Mixture, ProportionalToSizesIsEveryRowOnce) {
  EXPECT_THAT(DrawsPerEpoch(Proportional(), {{7473, 1}, {356, 1}, {12, 1}}),
              ElementsAre(7473, 356, 12));
}

// min(e, K) / sum of min(e, K), of 3000 + 3000 + 200 rows.
TEST(Mixture, ALimitHoldsALargeSourceBack) {
  EXPECT_THAT(DrawsPerEpoch(Proportional(1, 3000), {{100'000, 1}, {3000, 1}, {200, 1}}),
              ElementsAre(3000, 3000, 200));
  EXPECT_THAT(DrawsPerEpoch(Proportional(1, 3000, 620), {{100'000, 1}, {3000, 1}, {200, 1}}),
              ElementsAre(300, 300, 20));
}

// Sizes 10,000 and 100: at temperature 2 their roots are 100 and 10.
TEST(Mixture, ATemperatureMakesSharesMoreAlike) {
  EXPECT_THAT(DrawsPerEpoch(Proportional(1, 0, 1010), {{10'000, 1}, {100, 1}}),
              ElementsAre(1000, 10));
  EXPECT_THAT(DrawsPerEpoch(Proportional(2, 0, 1100), {{10'000, 1}, {100, 1}}),
              ElementsAre(1000, 100));
  EXPECT_THAT(DrawsPerEpoch(Proportional(1000, 0, 1000), {{10'000, 1}, {100, 1}}),
              ElementsAre(501, 499));
}

TEST(Mixture, AWeightMultipliesAShare) {
  EXPECT_THAT(DrawsPerEpoch(Proportional(1, 0, 400), {{100, 1}, {100, 3}}), ElementsAre(100, 300));
}

TEST(Mixture, WeightsGiveSharesWhateverTheSizes) {
  EXPECT_THAT(DrawsPerEpoch({.method = "weights", .rows = 1000}, {{10, 0.7}, {10'000, 0.3}}),
              ElementsAre(700, 300));
  EXPECT_THAT(DrawsPerEpoch({.method = "weights"}, {{30, 1}, {10, 1}}), ElementsAre(20, 20));
}

// 10 rows in thirds: 3.33 each, and the row that is left to the first of equals. 2.8, 4.2, 3.0: to
// the one that lost most.
TEST(Mixture, CountsAddUpToTheEpoch) {
  EXPECT_THAT(DrawsPerEpoch({.method = "weights", .rows = 10}, {{5, 1}, {5, 1}, {5, 1}}),
              ElementsAre(4, 3, 3));
  EXPECT_THAT(DrawsPerEpoch({.method = "weights", .rows = 10}, {{5, 28}, {5, 42}, {5, 30}}),
              ElementsAre(3, 4, 3));
  const auto draws = DrawsPerEpoch(Proportional(1.7, 90, 1234), {{17, 0.1}, {900, 3}, {88, 1e-3}});
  EXPECT_EQ(std::accumulate(draws.begin(), draws.end(), int64_t{0}), 1234);
}

TEST(Mixture, ASourceWithoutRowsGetsNone) {
  EXPECT_THAT(DrawsPerEpoch({.method = "weights", .rows = 10}, {{0, 5}, {5, 1}}),
              ElementsAre(0, 10));
  EXPECT_THAT(DrawsPerEpoch({.method = "weights", .rows = 10}, {{0, 5}}), ElementsAre(0));
}

}  // namespace
}  // namespace tune
