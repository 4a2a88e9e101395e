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

TEST(Pace, IsTheMeanOfTheFirstSteps) {
  Pace pace;
  pace.Add(1, 1000);
  EXPECT_DOUBLE_EQ(pace.seconds_per_step, 1);
  EXPECT_DOUBLE_EQ(pace.tokens_per_second, 1000);
  pace.Add(3, 2000);
  EXPECT_DOUBLE_EQ(pace.seconds_per_step, 2);
  EXPECT_DOUBLE_EQ(pace.tokens_per_second, 1500 / 2.0);
  EXPECT_DOUBLE_EQ(pace.SecondsLeft(2, 100), 2 * 98);
  EXPECT_DOUBLE_EQ(pace.SecondsLeft(101, 100), 0);
}

TEST(Pace, ShortStepsAreWeighedOverAMinute) {
  Pace pace;
  for (int i = 0; i < 6000; ++i) pace.Add(0.1, 100);
  for (int i = 0; i < 20; ++i) pace.Add(0.4, 100);  // eight seconds beside another program
  EXPECT_NEAR(pace.seconds_per_step, 0.11, 0.001);
  for (int i = 0; i < 1500; ++i) pace.Add(0.4, 100);  // ten minutes: it is slow for good
  EXPECT_NEAR(pace.seconds_per_step, 0.4, 0.01);
}

TEST(Pace, LongStepsAreWeighedOverTen) {
  Pace pace;
  for (int i = 0; i < 20; ++i) pace.Add(100, 1000);
  pace.Add(200, 1000);
  EXPECT_DOUBLE_EQ(pace.seconds_per_step, 110);
}

}  // namespace
}  // namespace tune
