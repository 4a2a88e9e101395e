#include "run/checkpoint_id.h"

#include <gtest/gtest.h>

namespace tune {
namespace {

TEST(CheckpointId, ParseIsTheInverseOfMake) {
  for (const int64_t step : {int64_t{0}, int64_t{12}, int64_t{99'999'999}, int64_t{123'456'789}}) {
    EXPECT_EQ(StepOfCheckpointId(StepCheckpointId(step)), step);
  }
  EXPECT_EQ(StepCheckpointId(12), "step-00000012");
}

TEST(CheckpointId, OtherNamesHaveNoStep) {
  for (const char* other : {"", "final", "latest", "step-", "step-12", "step-0000001x",
                            "step-00000012.tmp", "step--0000012", "Step-00000012"}) {
    EXPECT_EQ(StepOfCheckpointId(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace tune
