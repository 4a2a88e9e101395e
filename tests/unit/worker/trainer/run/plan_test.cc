#include "worker/trainer/run/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "recipe/model/model_family.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"

namespace tune::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PlanTest : public testing::Test {
 protected:
  void SetUp() override { MakeInputs(scratch_); }

  RunPlan Plan(const RunFolder& run, bool probe = false) {
    EXPECT_TRUE(CreateDirectories(scratch_ / "run").ok());
    EXPECT_TRUE(WriteRunFolder(scratch_ / "run", run).ok());
    auto plan = MakePlan(scratch_ / "run", probe, &clock_);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return *std::move(plan);
  }

  const ScratchFolder scratch_;
  SystemClock clock_;
};

TEST_F(PlanTest, TellsStepsAndSizesOfTheRun) {
  RunFolder run = TinyRun(scratch_);
  run.spec.checkpoint_every = 1;
  run.spec.keep_checkpoints = 2;
  const RunPlan plan = Plan(run);
  EXPECT_EQ(plan.device, "cpu");
  EXPECT_EQ(plan.steps, 6);  // two epochs of 8, 8 and 6 rows
  EXPECT_EQ(plan.steps_per_epoch, 3);
  EXPECT_EQ(plan.inputs.examples, 22);
  EXPECT_LE(plan.longest, 96);
  EXPECT_NEAR(plan.tokens_per_step * 3, static_cast<double>(plan.inputs.data_tokens), 1e-6);
  EXPECT_EQ(plan.inputs.pass_tokens, 64);
  EXPECT_EQ(plan.checkpoints, 3);  // those kept, and the one being written
  const int64_t parameters = ParameterCount(plan.inputs.config);
  EXPECT_EQ(plan.DiskNeeded(), 3 * (4 + 12) * parameters + 4 * parameters);
  EXPECT_THAT(plan.Shortages(), IsEmpty());
  EXPECT_FALSE(plan.seconds_per_step);
}

TEST_F(PlanTest, AProbeTellsTheTimeAndKeepsNothing) {
  const RunPlan plan = Plan(TinyRun(scratch_), /*probe=*/true);
  ASSERT_TRUE(plan.seconds_per_step);
  EXPECT_GT(*plan.seconds_per_step, 0);
  EXPECT_THAT(ListDirectory(scratch_ / "run").value(), ElementsAre("run.json"));
  EXPECT_THAT(PlanText(plan), HasSubstr(" s a step, "));
}

TEST_F(PlanTest, WhatDoesNotFitIsNamedWithItsNumbers) {
  RunPlan plan = Plan(TinyRun(scratch_));
  plan.host_bytes = plan.disk_bytes = int64_t{1} << 10;
  plan.memory.final_bytes = int64_t{5} << 30;
  EXPECT_THAT(plan.Shortages(),
              ElementsAre(HasSubstr("this machine has 0.0 GiB of memory, "),
                          HasSubstr("disk has 0.0 GiB free, 5.0 GiB are needed; ")));
  EXPECT_EQ(PlanJson(plan)["shortages"].size(), 2u);
}

}  // namespace
}  // namespace tune::trainer
