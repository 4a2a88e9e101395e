#include "run/schedule.h"

#include <gtest/gtest.h>

#include <vector>

namespace tune {
namespace {

// transformers' lambdas (optimization.py) with num_warmup_steps = 2 and
// num_training_steps = 10: step / 2 in the warmup; then 1; (10 - step) / 8; or
// (1 + cos(pi (step - 2) / 8)) / 2, whose cosines are those of multiples of 22.5 degrees.
struct Golden {
  const char* kind;
  std::vector<double> factors;
};
const Golden kGoldens[] = {
    {"constant", {0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"linear", {0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125}},
    {"cosine",
     {0, 0.5, 1, 0.9619397662556434, 0.8535533905932737, 0.6913417161825449, 0.5,
      0.30865828381745514, 0.14644660940672627, 0.03806023374435663}},
};

TEST(Schedule, IsTransformers) {
  for (const Golden& golden : kGoldens) {
    const Schedule schedule = MakeSchedule(golden.kind, 1e-3, 0.2, 10);
    EXPECT_EQ(schedule.warmup_steps, 2);
    for (size_t step = 0; step < golden.factors.size(); ++step) {
      EXPECT_NEAR(schedule.At(step), 1e-3 * golden.factors[step], 1e-18)
          << golden.kind << " at step " << step;
    }
  }
}

TEST(Schedule, WithoutWarmupBeginsAtThePeak) {
  for (const Golden& golden : kGoldens) {
    EXPECT_EQ(MakeSchedule(golden.kind, 0.5, 0, 10).At(0), 0.5);
  }
}

TEST(Schedule, WarmupStepsAreRoundedUp) {
  EXPECT_EQ(MakeSchedule("cosine", 1, 0.03, 100).warmup_steps, 3);
  EXPECT_EQ(MakeSchedule("cosine", 1, 0.03, 101).warmup_steps, 4);
  EXPECT_EQ(MakeSchedule("cosine", 1, 0.03, 1).warmup_steps, 1);
}

TEST(Schedule, NeverBelowZeroNorOverThePeak) {
  for (const Golden& golden : kGoldens) {
    for (const double warmup : {0.0, 0.3, 1.0}) {
      const Schedule schedule = MakeSchedule(golden.kind, 2, warmup, 7);
      for (int64_t step = 0; step < 9; ++step) {
        EXPECT_GE(schedule.At(step), 0);
        EXPECT_LE(schedule.At(step), 2);
      }
    }
  }
}

TEST(Schedule, CountsSteps) {
  EXPECT_EQ(StepsPerEpoch(16, 8), 2);
  EXPECT_EQ(StepsPerEpoch(17, 8), 3);
  EXPECT_EQ(TotalSteps(3, 1.5, 0), 5);
  EXPECT_EQ(TotalSteps(3, 1.5, 4), 4);
  EXPECT_EQ(TotalSteps(3, 1.5, 9), 5);
}

TEST(RateWarning, TellsARunThatWouldChangeNoWeight) {
  for (const Golden& golden : kGoldens) {
    EXPECT_NE(RateWarning(MakeSchedule(golden.kind, 1e-3, 0.03, 1)), "") << golden.kind;
    EXPECT_EQ(RateWarning(MakeSchedule(golden.kind, 1e-3, 0, 1)), "") << golden.kind;
    EXPECT_EQ(RateWarning(MakeSchedule(golden.kind, 1e-3, 1, 2)), "") << golden.kind;
  }
}

}  // namespace
}  // namespace tune
