#include "worker/trainer/run/loss_spike.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tune::trainer {
namespace {

std::vector<double> OneTo(int last) {
  std::vector<double> losses;
  for (int i = 1; i <= last; ++i) losses.push_back(i);
  return losses;
}

// 1..20: the median is 10.5, the distances from it 0.5, 0.5, 1.5, 1.5, … 9.5, their median 5.
TEST(ScoreLoss, IsTheModifiedZScore) {
  const auto score = ScoreLoss(OneTo(20), 60);
  ASSERT_TRUE(score);
  EXPECT_EQ(score->median, 10.5);
  EXPECT_EQ(score->losses, 20u);
  EXPECT_NEAR(score->z, 0.6745 * (60 - 10.5) / 5, 1e-12);
  EXPECT_LT(ScoreLoss(OneTo(20), 1)->z, 0);
  // 1..21: the middle one, and the middle of 0, 1, 1, 2, 2, … 10, 10.
  EXPECT_NEAR(ScoreLoss(OneTo(21), 50)->z, 0.6745 * (50 - 11) / 5, 1e-12);
}

TEST(ScoreLoss, WantsEnoughFiniteLosses) {
  std::vector<double> losses = OneTo(15);
  losses.push_back(NAN);
  losses.push_back(INFINITY);
  EXPECT_FALSE(ScoreLoss(losses, 1000));
  losses.push_back(16);
  EXPECT_EQ(ScoreLoss(losses, 1000)->losses, 16u);
}

TEST(ScoreLoss, LooksBackAtItsWindowOnly) {
  std::vector<double> losses(100, 1000.0);
  for (size_t i = 0; i < kSpikeWindow; ++i) losses.push_back(2);
  EXPECT_EQ(ScoreLoss(losses, 3)->median, 2);
}

TEST(ScoreLoss, EarlierSpikesDoNotHideALaterOne) {
  std::vector<double> losses = OneTo(20);
  for (int i = 0; i < 5; ++i) losses.push_back(1000);
  EXPECT_GT(ScoreLoss(losses, 1000)->z, kSpikeThreshold);
}

TEST(ScoreLoss, SmallDifferencesOfEqualLossesAreNoSpikes) {
  const std::vector<double> losses(30, 2.0);
  EXPECT_EQ(ScoreLoss(losses, 2)->z, 0);
  EXPECT_NEAR(ScoreLoss(losses, 2.1)->z, 5, 1e-9);
  EXPECT_GT(ScoreLoss(losses, 2.2)->z, kSpikeThreshold);
  EXPECT_EQ(ScoreLoss(std::vector<double>(30, 0.0), 0)->z, 0);
  EXPECT_GT(ScoreLoss(std::vector<double>(30, 0.0), 0.1)->z, kSpikeThreshold);
}

}  // namespace
}  // namespace tune::trainer
