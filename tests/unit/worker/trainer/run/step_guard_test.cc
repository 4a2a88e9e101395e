#include "worker/trainer/run/step_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "absl/strings/str_split.h"
#include "base/files.h"
#include "run_fixture.h"
#include "worker/trainer/run/batch_log.h"
#include "worker/trainer/run/batches_command.h"

namespace tune::trainer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kRows = 41;
constexpr int64_t kBadStep = 30;  // from 1

// Rows that are all the same, one a step, but for one of another kind at step kBadStep.
class StepGuardTest : public RunTest {
 protected:
  RunFolder SpikyRun() {
    RunFolder run = TinyRun(scratch_);
    run.spec.epochs = 1;
    run.spec.batch_size = 1;
    run.spec.lr_scheduler = "constant";
    run.spec.warmup_ratio = 0;
    bad_row_ = DataOrder({{kRows, kRows}}, 1, 1, 0, 0).Batch(kBadStep - 1)[0].index + 1;
    std::string rows;
    for (int64_t row = 1; row <= kRows; ++row) {
      rows += row == bad_row_ ? "{\"prompt\":\"1+1?\",\"response\":\"~~~~~~~~\"}\n"
                              : "{\"prompt\":\"1+1?\",\"response\":\"2\"}\n";
    }
    EXPECT_TRUE(WriteFileDurably(scratch_ / "sums.jsonl", rows).ok());
    return run;
  }

  std::string BadRow() const { return absl::StrCat("datasets/sums:", bad_row_, " (loss "); }

  // The embedding of "9" has values whose sum overflows: no loss of a row with a 9 is finite.
  void BreakTheModel() {
    const std::string weights = "model/model.safetensors";
    int64_t place = 0, width = 0;
    {
      const auto file = SafetensorsFile::Open(scratch_ / weights).value();
      const TensorInfo& embedding = file->tensors().at("model.embed_tokens.weight");
      width = embedding.shape[1];
      place = embedding.offset + '9' * width * DTypeBytes(DType::kF32);
    }
    std::string bytes = File(weights);
    const std::vector<float> greatest(width, std::numeric_limits<float>::max());
    std::memcpy(bytes.data() + place, greatest.data(), width * sizeof(float));
    ASSERT_TRUE(WriteFileDurably(scratch_ / weights, bytes).ok());
  }

  std::vector<Json> Batches(const std::string& name, int64_t step) {
    testing::internal::CaptureStdout();
    const absl::Status status = RunBatches(scratch_ / name, step);
    const std::string text = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(status.ok()) << status;
    std::vector<Json> steps;
    for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      steps.push_back(ParseJson(line).value());
    }
    return steps;
  }

  int64_t bad_row_ = 0;
};

TEST_F(StepGuardTest, ASpikeIsToldOfWithItsRow) {
  ASSERT_TRUE(Start("run", SpikyRun()).ok());
  const auto notices = Events("run", "notice");
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0]["severity"], "WARNING");
  const std::string text = notices[0]["text"];
  EXPECT_THAT(text, HasSubstr(absl::StrCat("step ", kBadStep, ": the loss is ")));
  EXPECT_THAT(text, HasSubstr("the median of the last 24 steps; rows: " + BadRow()));
  EXPECT_EQ(Events("run", "step").size(), static_cast<size_t>(kRows));
}

TEST_F(StepGuardTest, ARunThatDivergesFromItsStartIsToldOf) {
  RunFolder run = TinyRun(scratch_);
  run.spec.lr_scheduler = "constant";
  run.spec.warmup_ratio = 0;
  run.spec.learning_rate = 1;
  run.spec.max_steps = 8;
  ASSERT_TRUE(Start("run", run).ok());
  const auto notices = Events("run", "notice");
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0]["text"].get<std::string>(),
              AllOf(HasSubstr("step 5: the run diverges: the loss is "),
                    HasSubstr("; cancel it and lower learning_rate (1)")));
}

TEST_F(StepGuardTest, ASkippedStepLeavesTheWeights) {
  RunFolder run = SpikyRun();
  run.spec.on_spike = "skip";
  run.spec.max_steps = kBadStep;
  ASSERT_TRUE(Start("skipped", run).ok());
  run.spec.max_steps = kBadStep - 1;
  ASSERT_TRUE(Start("before", run).ok());
  const std::string weights = "/checkpoints/final/model.safetensors";
  EXPECT_TRUE(File("skipped" + weights) == File("before" + weights));
  EXPECT_EQ(Events("skipped", "step").size(), static_cast<size_t>(kBadStep));
  EXPECT_THAT(Events("skipped", "notice")[0]["text"].get<std::string>(), HasSubstr("skipped"));
  EXPECT_THAT(File("skipped/checkpoints/final/README.md"),
              HasSubstr("Steps skipped for their loss or gradient: 1."));
  const Json batch = Batches("skipped", kBadStep).at(0);
  EXPECT_EQ(batch["skipped"], true);
  EXPECT_EQ(batch["rows"][0]["row"], bad_row_);
}

// From before the skipped step, from it, and from after it.
TEST_F(StepGuardTest, AResumedRunSkipsAlike) {
  RunFolder run = SpikyRun();
  run.spec.on_spike = "skip";
  run.spec.max_steps = kBadStep + 2;
  run.spec.checkpoint_every = 1;
  run.spec.keep_checkpoints = 3;
  ASSERT_TRUE(Start("whole", run).ok());
  for (const int64_t step : {kBadStep - 1, kBadStep, kBadStep + 1}) {
    const std::string name = absl::StrCat("from", step);
    run.resume_path = scratch_ / absl::StrCat("whole/checkpoints/step-000000", step);
    ASSERT_TRUE(Start(name, run).ok());
    for (const char* file : {"model.safetensors", "trainer_state.json", "README.md"}) {
      const std::string path = absl::StrCat("/checkpoints/final/", file);
      EXPECT_TRUE(File(name + path) == File("whole" + path)) << name << path;
    }
  }
  // Its row was not learned from.
  EXPECT_THAT(File("whole/checkpoints/final/README.md"),
              HasSubstr(absl::StrCat("| datasets/sums | 41 | 41 | ", kBadStep + 1, " |")));
}

TEST_F(StepGuardTest, StopsAtASpikeAndGoesOnWithAnotherChoice) {
  RunFolder run = SpikyRun();
  run.spec.on_spike = "stop";
  run.spec.checkpoint_every = 10;
  EXPECT_FALSE(Start("run", run).ok());
  EXPECT_THAT(FailureMessage("run", "LossSpike"), HasSubstr(BadRow()));
  EXPECT_EQ(Events("run", "failed")[0]["retryable"], false);
  EXPECT_EQ(Events("run", "step").size(), static_cast<size_t>(kBadStep - 1));
  EXPECT_THAT(ListDirectory(scratch_ / "run/checkpoints").value(),
              ElementsAre("step-00000010", "step-00000020"));
  run.spec.on_spike = "skip";
  ASSERT_TRUE(WriteRunFolder(scratch_ / "run", run).ok());
  EXPECT_TRUE(Continue("run", true).ok());
  const auto steps = Batches("run", 0);
  ASSERT_EQ(steps.size(), static_cast<size_t>(kRows));
  for (const Json& step : steps) EXPECT_TRUE(step["rows"][0].contains("loss")) << step;
}

TEST_F(StepGuardTest, ALossThatIsNotFiniteNamesItsRows) {
  BreakTheModel();
  RunFolder run = TinyRun(scratch_);
  run.spec.batch_size = 22;
  EXPECT_FALSE(Start("run", run).ok());
  // Rows 14 (6+3) and 20 (5+4) have a 9.
  const std::string message = FailureMessage("run", "NonFiniteLoss");
  EXPECT_THAT(message, HasSubstr("datasets/sums:14 (loss nan)"));
  EXPECT_THAT(message, HasSubstr("datasets/sums:20 (loss nan)"));
  EXPECT_THAT(message, Not(HasSubstr("datasets/sums:13")));
  EXPECT_EQ(Events("run", "failed")[0]["retryable"], false);
}

TEST_F(StepGuardTest, SkipsStepsThatAreNotFinite) {
  BreakTheModel();
  RunFolder run = TinyRun(scratch_);
  run.spec.on_nonfinite = "skip";
  run.spec.checkpoint_every = 1;
  run.spec.keep_checkpoints = 100;
  ASSERT_TRUE(Start("run", run).ok());
  int64_t skipped = 0;
  for (const Json& step : Batches("run", 0)) {
    int64_t broken = 0;
    for (const Json& row : step["rows"]) {
      const bool has_nine = row["row"] == 14 || row["row"] == 20;
      EXPECT_EQ(row["loss"] == "NaN", has_nine) << row;
      broken += has_nine ? 1 : 0;
    }
    EXPECT_EQ(step.contains("skipped"), broken > 0);
    skipped += broken > 0 ? 1 : 0;
  }
  EXPECT_GT(skipped, 0);
  EXPECT_EQ(Events("run", "step").size(), static_cast<size_t>(6 - skipped));
  EXPECT_EQ(Events("run", "notice").size(), static_cast<size_t>(skipped));
  for (const int step : {1, 3, 5}) {
    const std::string name = absl::StrCat("from", step);
    run.resume_path = scratch_ / absl::StrCat("run/checkpoints/step-0000000", step);
    ASSERT_TRUE(Start(name, run).ok());
    for (const char* file : {"model.safetensors", "trainer_state.json", "README.md"}) {
      const std::string path = absl::StrCat("/checkpoints/final/", file);
      EXPECT_TRUE(File(name + path) == File("run" + path)) << name << path;
    }
  }
}

// Each rank sees the losses of all.
TEST_F(StepGuardTest, RanksSkipTogether) {
  BreakTheModel();
  RunFolder run = TinyRun(scratch_);
  run.spec.on_nonfinite = "skip";
  ASSERT_TRUE(Start("one", run).ok());
  StartRanks("two", run, 2);
  ExpectSameCurve("two", "one", 1e-4);
  const auto one = Batches("one", 0), two = Batches("two", 0);
  ASSERT_EQ(one.size(), two.size());
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].contains("skipped"), two[i].contains("skipped"));
    for (size_t row = 0; row < one[i]["rows"].size(); ++row) {
      const Json &a = one[i]["rows"][row]["loss"], &b = two[i]["rows"][row]["loss"];
      ASSERT_EQ(a.is_number(), b.is_number());
      if (a.is_number()) {
        EXPECT_NEAR(a.get<double>(), b.get<double>(), 1e-3);
      }
    }
  }
}

TEST_F(StepGuardTest, SkippingHasAnEnd) {
  BreakTheModel();
  RunFolder run = TinyRun(scratch_);
  run.spec.on_nonfinite = "skip";
  run.spec.batch_size = 22;
  run.spec.epochs = 30;
  EXPECT_FALSE(Start("run", run).ok());
  EXPECT_THAT(FailureMessage("run", "NonFiniteLoss"), HasSubstr("the 16 steps before it"));
  EXPECT_EQ(Events("run", "notice").size(), static_cast<size_t>(kMostSkippedSteps));
}

// The moments and the number of updates are not touched either: the next step is what it
// would be had the skipped one not been.
TEST_F(StepGuardTest, ASkippedStepIsNoUpdate) {
  RunFolder folder = TinyRun(scratch_);
  ASSERT_TRUE(CreateDirectories(scratch_ / "run").ok());
  const auto setup = ReadSetup(scratch_ / "run", folder).value();
  const auto rank = OneRank();
  Training skipping(*setup, at::kCPU, *rank, &clock_), without(*setup, at::kCPU, *rank, &clock_);
  const auto apply = [](const StepResult&) { return StepVerdict{}; };
  const auto skip = [](const StepResult&) { return StepVerdict{.skip = true, .warning = {}}; };
  ASSERT_TRUE(skipping.Step(0, apply).ok());
  ASSERT_TRUE(skipping.Step(1, skip).ok());
  ASSERT_TRUE(skipping.Step(2, apply).ok());
  ASSERT_TRUE(without.Step(0, apply).ok());
  ASSERT_TRUE(without.Step(2, apply).ok());
  const StateShard a = skipping.optimizer().shard(), b = without.optimizer().shard();
  EXPECT_TRUE(a.master.equal(b.master));
  EXPECT_TRUE(a.exp_avg.equal(b.exp_avg));
  EXPECT_TRUE(a.exp_avg_sq.equal(b.exp_avg_sq));
}

TEST_F(StepGuardTest, BatchesTellTheLossesThatMakeAStepsLoss) {
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(Start("run", run).ok());
  const auto steps = Events("run", "step");
  const auto batches = Batches("run", 0);
  ASSERT_EQ(batches.size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    // Sums below 10 have three targets: the space, the digit and the end token.
    double sum = 0, targets = 0;
    for (const Json& row : batches[i]["rows"]) {
      const int64_t line = row["row"].get<int64_t>() - 1;
      const double own = line % 7 + line % 5 < 10 ? 3 : 4;
      sum += row["loss"].get<double>() * own;
      targets += own;
    }
    EXPECT_EQ(targets, steps[i]["target_tokens"].get<double>());
    EXPECT_NEAR(sum / targets, steps[i]["loss"].get<double>(), 1e-9);
  }
}

TEST_F(StepGuardTest, BatchesOfOtherDataAreRefused) {
  RunFolder run = TinyRun(scratch_);
  ASSERT_TRUE(Start("run", run).ok());
  run.spec.batch_size = 4;
  ASSERT_TRUE(WriteRunFolder(scratch_ / "run", run).ok());
  EXPECT_THAT(RunBatches(scratch_ / "run", 1).message(),
              HasSubstr("has 8 losses, its batch has 4"));
}

}  // namespace
}  // namespace tune::trainer
