#include "run/pace.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tune {
namespace {

TEST(Pace, KnowsNothingBeforeTheFirstStep) {
  Pace pace;
  pace.Add(0, 1000);
  EXPECT_TRUE(std::isnan(pace.seconds_per_step));
  EXPECT_TRUE(std::isnan(pace.tokens_per_second));
  EXPECT_TRUE(std::isnan(pace.SecondsLeft(0, 100)));
}

TEST(Pace, FollowsSlowly) {
  Pace pace;
  pace.Add(1, 1000);
  EXPECT_DOUBLE_EQ(pace.seconds_per_step, 1);
  EXPECT_DOUBLE_EQ(pace.tokens_per_second, 1000);
  pace.Add(11, 2000);
  EXPECT_DOUBLE_EQ(pace.seconds_per_step, 2);
  EXPECT_DOUBLE_EQ(pace.tokens_per_second, 1100 / 2.0);
  EXPECT_DOUBLE_EQ(pace.SecondsLeft(2, 100), 2 * 98);
  EXPECT_DOUBLE_EQ(pace.SecondsLeft(101, 100), 0);
}

}  // namespace
}  // namespace tune
