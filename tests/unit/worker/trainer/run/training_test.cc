#include "worker/trainer/run/training.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/files.h"
#include "plain_phi.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/run/step_guard.h"

namespace tune::trainer {
namespace {

// 22 rows with one to nine letters to learn, so that a mean of means shows.
std::string UnevenRows() {
  std::string text;
  for (int i = 0; i < 22; ++i) {
    const Json row = {{"prompt", absl::StrCat(i % 7, "?")},
                      {"response", std::string(1 + i * 5 % 9, static_cast<char>('a' + i % 5))}};
    absl::StrAppend(&text, DumpJson(row), "\n");
  }
  return text;
}

// A run of them in batches of 8, 8 and 6, without dropout.
class TrainingTest : public testing::Test {
 protected:
  void Open(const RunSpec& spec, const std::string& rows = UnevenRows(),
            const char* precision = "fp32") {
    Json config = TinyConfigJson();
    config["resid_pdrop"] = config["embd_pdrop"] = 0;
    MakeModel(scratch_ / "model", scratch_ / "model", config);
    ASSERT_TRUE(WriteFileDurably(scratch_ / "sums.jsonl", rows).ok());
    RunFolder run = TinyRun(scratch_);
    run.spec = spec;
    run.spec.precision = precision;
    auto setup = ReadSetup(scratch_ / "run", run);
    ASSERT_TRUE(setup.ok()) << setup.status();
    setup_ = *std::move(setup);
    training_ = std::make_unique<Training>(*setup_, at::kCPU, *ranks_, &clock_);
  }

  // Judged as a run judges it.
  absl::StatusOr<StepResult> Step(int64_t step) {
    return training_->Step(
        step, [&](const StepResult& result) { return JudgeStep(*setup_, step, result, {}); });
  }

  RunSpec Spec() const { return TinyRun(scratch_).spec; }

  std::vector<Example> Rows(int64_t step) const {
    std::vector<Example> examples;
    for (const ExampleRef& ref : setup_->order.Batch(step)) {
      examples.push_back(setup_->datasets[ref.source].examples[ref.index]);
    }
    return examples;
  }

  at::Tensor Master(size_t index) const { return training_->Masters()[index].tensor; }

  // Masters and moments, copied.
  std::vector<at::Tensor> State() const {
    const StateShard shard = training_->optimizer().shard();
    return {shard.master.detach().clone(), shard.exp_avg.clone(), shard.exp_avg_sq.clone()};
  }

  const ModelConfig& config() const { return setup_->base.folder.config; }

  const ScratchFolder scratch_;
  SystemClock clock_;
  const std::unique_ptr<Ranks> ranks_ = OneRank();
  std::unique_ptr<trainer::Setup> setup_;
  std::unique_ptr<Training> training_;
};

// Every step of an epoch, the smaller last one too: the loss of its rows per target token,
// and the norm of that loss's gradient.
TEST_F(TrainingTest, AStepsLossAndGradientAreOfItsRowsPerTargetToken) {
  RunSpec spec = Spec();
  spec.micro_batch_tokens = 64;  // several micro-batches of unlike sizes
  Open(spec);
  for (int64_t step = 0; step < 4; ++step) {
    const std::vector<Example> rows = Rows(step);
    ASSERT_EQ(rows.size(), step == 2 ? 6u : 8u);
    const PlainResult plain = PlainPhi(config(), training_->parameters(), rows);
    int64_t targets = 0;
    for (const Example& row : rows) targets += row.target_tokens();
    double loss = 0;
    for (const double sum : plain.losses) loss += sum / static_cast<double>(targets);
    const auto result = Step(step);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_NEAR(result->loss, loss, 1e-6 * loss) << step;
    EXPECT_NEAR(result->grad_norm, plain.GradientNorm(), 1e-6 * plain.GradientNorm()) << step;
    EXPECT_EQ(result->target_tokens, targets);
  }
}

// The rate is a function of the optimizer step, not of how many micro-batches it took.
TEST_F(TrainingTest, TheRateIsSteppedOncePerOptimizerStep) {
  RunSpec spec = Spec();
  spec.packing = false;
  spec.epochs = 1;
  spec.warmup_ratio = 0.4;  // 2 of 3 steps
  Open(spec);
  for (int64_t step = 0; step < 3; ++step) {
    // transformers: 0 and 1/2 of the peak, then the whole of it.
    EXPECT_DOUBLE_EQ(Step(step)->learning_rate, spec.learning_rate * step / 2) << step;
  }
}

// The first update, as torch.optim.AdamW computes it from a gradient clipped to norm 1.
TEST_F(TrainingTest, AnUpdateIsAdamWOfTheClippedGradient) {
  RunSpec spec = Spec();
  spec.lr_scheduler = "constant";
  spec.warmup_ratio = 0;
  spec.weight_decay = 0.1;
  spec.max_grad_norm = 0.01;
  spec.eps = 1e-3;  // else a first step depends on the gradient's sign alone
  Open(spec);
  const PlainResult plain = PlainPhi(config(), training_->parameters(), Rows(0));
  const double scale = spec.max_grad_norm / plain.GradientNorm();
  ASSERT_LT(scale, 1);
  std::vector<at::Tensor> before;
  for (const NamedTensor& master : training_->Masters()) before.push_back(master.tensor.clone());
  ASSERT_TRUE(Step(0).ok());
  for (size_t i = 0; i < plain.gradients.size(); ++i) {
    const at::Tensor g = plain.gradients[i] * scale;
    const at::Tensor expected = before[i].to(at::kDouble) * (1 - spec.learning_rate * 0.1) -
                                g / (g.abs() + spec.eps) * spec.learning_rate;
    EXPECT_LT((Master(i) - expected).abs().max().item<double>(), 1e-7) << i;
  }
}

TEST_F(TrainingTest, AStepThatFailsLeavesMastersAndMomentsAsTheyWere) {
  Open(Spec());
  ASSERT_TRUE(Step(0).ok());
  ASSERT_TRUE(Step(1).ok());
  const size_t fc2 = training_->parameters().IndexOf("model.layers.1.mlp.fc2.bias");
  at::Tensor bias = training_->parameters()[fc2].weight.detach();
  const float good = bias[3].item<float>();
  bias[3] = std::numeric_limits<float>::infinity();
  const std::vector<at::Tensor> before = State();
  const auto failed = Step(2);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(FailureOf(failed.status()).reason, kNonFiniteLoss);
  const std::vector<at::Tensor> after = State();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(after[i].equal(before[i])) << i;
  // Nor does what failed stay in the gradients: the step succeeds where its cause is gone.
  bias[3] = good;
  EXPECT_TRUE(Step(2).ok());
}

// Logits of moderate size from a huge head and a tiny norm: the loss is finite, the norm's
// gradient is not.
TEST_F(TrainingTest, AGradientThatIsNotFiniteFailsTheStepToo) {
  Open(Spec());
  const Parameters& parameters = training_->parameters();
  const size_t head = parameters.IndexOf("lm_head.weight");
  parameters.Set(head, parameters[head].weight.detach().sign() * 3e38);
  const size_t norm = parameters.IndexOf("model.final_layernorm.weight");
  parameters.Set(norm, at::full({32}, 1e-37));
  const std::vector<at::Tensor> before = State();
  const auto failed = Step(0);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.status().message().find("loss nan"), std::string::npos) << failed.status();
  EXPECT_EQ(failed.status().message().find("loss inf"), std::string::npos) << failed.status();
  const std::vector<at::Tensor> after = State();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(after[i].equal(before[i])) << i;
}

// An update too small for bf16 (its step is 2^-8 of a value) is kept by the master.
TEST_F(TrainingTest, Bf16WeightsLearnByTheirMasters) {
  RunSpec spec = Spec();
  spec.learning_rate = 1e-6;
  spec.lr_scheduler = "constant";
  spec.warmup_ratio = 0;
  Open(spec, UnevenRows(), "bf16");
  const size_t norm = training_->parameters().IndexOf("model.final_layernorm.weight");
  for (int64_t step = 0; step < 6; ++step) ASSERT_TRUE(Step(step).ok());
  EXPECT_EQ(training_->parameters()[norm].weight[0].item<float>(), 1);
  EXPECT_NEAR(std::abs(Master(norm)[0].item<float>() - 1), 4e-6, 4e-6);
  EXPECT_NE(Master(norm)[0].item<float>(), 1);
}

// What is cut off is not learned, the end least of all: the answer goes on.
TEST_F(TrainingTest, ATruncatedRowDoesNotEnd) {
  RunSpec spec = Spec();
  spec.max_length_policy = "truncate";
  spec.max_length = 40;
  const Json row = {{"prompt", "a"}, {"response", std::string(90, 'x')}};
  Open(spec, DumpJson(row) + "\n");
  const Example& example = setup_->datasets[0].examples[0];
  EXPECT_EQ(setup_->datasets[0].truncated, 1);
  EXPECT_EQ(example.ids.size(), 40u);
  EXPECT_EQ(example.target.size(), 40u);
  EXPECT_EQ(example.ids.back(), 'x');
}

// Ids past the tokenizer's fill the table up; they come in no row, so only weight decay
// may move their embedding.
TEST_F(TrainingTest, RowsBeyondTheTokenizerStayAsTheyWere) {
  RunSpec spec = Spec();
  spec.weight_decay = 0;
  Open(spec);
  const size_t embedding = training_->network().embedding();
  const at::Tensor before = Master(embedding).clone();
  for (int64_t step = 0; step < 3; ++step) ASSERT_TRUE(Step(step).ok());
  const at::Tensor after = Master(embedding);
  EXPECT_TRUE(after.narrow(0, 257, 15).equal(before.narrow(0, 257, 15)));
  EXPECT_FALSE(after['1'].equal(before['1']));
}

}  // namespace
}  // namespace tune::trainer
