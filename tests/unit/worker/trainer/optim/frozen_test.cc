// Parameters that are not trained: they keep their bits, and nothing is held for them.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "rank_threads.h"
#include "save_training.h"
#include "tiny_folder.h"
#include "tiny_model.h"
#include "worker/trainer/net/training_pass.h"
#include "worker/trainer/optim/load_weights.h"
#include "worker/trainer/run/checkpoint.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {
namespace {

// Attention's weights and the head's bias: the first parameter is frozen, blocks are in part,
// the embedding, the final norm and the head's weight are.
bool IsTrained(const std::string& name) {
  return absl::StrContains(name, "self_attn") || name == "lm_head.bias";
}

TEST(FlatLayout, AFrozenParameterHasAnEmptyPlace) {
  const FlatLayout layout({0, 16, 0, 100, 0}, /*ranks=*/1);
  EXPECT_EQ(layout.size(), 128);
  EXPECT_EQ(layout.Parameter(0), (Range{0, 0}));
  EXPECT_EQ(layout.Parameter(1), (Range{0, 16}));
  EXPECT_EQ(layout.Parameter(2), (Range{16, 16}));
  EXPECT_EQ(layout.Parameter(4), (Range{128, 128}));
  EXPECT_TRUE(layout.Pieces(layout.Parameter(2), 0).empty());
}

TEST(Frozen, TheOthersGradientsAreThoseOfTheWholeModel) {
  const ModelConfig config = TinyConfig();
  const TinyModel whole(config), part(config, at::kFloat, 1, IsTrained);
  const auto ranks = OneRank();
  Gradients expected(whole.parameters, *ranks, *whole.lanes, {}),
      actual(part.parameters, *ranks, *part.lanes, {});
  const MicroBatch batch = BatchOf({RandomExample(9, 3, 1), RandomExample(14, 5, 2)});
  for (const bool recompute : {true, false}) {
    const PassOptions options{.scale = 1, .recompute = recompute};
    expected.Clear();
    actual.Clear();
    EXPECT_EQ(ForwardBackward(part.model, batch, Dropout(), options, &actual),
              ForwardBackward(whole.model, batch, Dropout(), options, &expected));
    for (size_t i = 0; i < part.parameters.size(); ++i) {
      const Parameter& parameter = part.parameters[i];
      EXPECT_EQ(parameter.trainable, IsTrained(parameter.name));
      EXPECT_EQ(parameter.weight.requires_grad(), parameter.trainable);
      if (parameter.trainable) {
        EXPECT_TRUE(actual[i].equal(expected[i])) << parameter.name;
      }
    }
  }
}

class FrozenTest : public testing::TestWithParam<int64_t> {
 protected:
  FrozenTest() {
    MakeInputs(scratch_);
    RunFolder run = TinyRun(scratch_);
    run.spec.precision = "bf16";  // less than what the base model's weights are known to
    setup_ = ReadSetup(scratch_ / "run", run).value();
  }

  std::unique_ptr<Training> Open(Ranks& ranks) {
    return std::make_unique<Training>(*setup_, at::kCPU, ranks, &clock_,
                                      TrainingOptions{.trainable = IsTrained});
  }

  static void Step(Training& training, int64_t step) {
    const auto result = training.Step(step, [](const StepResult&) { return StepVerdict(); });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_GT(result->grad_norm, 0);
  }

  // Copies, by index; none on ranks but the first.
  static std::vector<at::Tensor> Weights(const Training& training) {
    std::vector<at::Tensor> weights;
    for (const NamedTensor& master : training.Masters()) weights.push_back(master.tensor.clone());
    return weights;
  }

  at::Tensor Base(const std::string& name) const { return FolderTensor(setup_->base.folder, name); }

  const ScratchFolder scratch_;
  SystemClock clock_;
  std::unique_ptr<trainer::Setup> setup_;
};

TEST_P(FrozenTest, KeepTheirBitsWhileTheOthersLearn) {
  OnEachRank(scratch_ / "", GetParam(), [&](Ranks& ranks) {
    const auto training = Open(ranks);
    for (int64_t step = 0; step < 3; ++step) Step(*training, step);
    const Parameters& parameters = training->parameters();
    const std::vector<at::Tensor> weights = Weights(*training);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor base = Base(parameters[i].name);
      const at::Tensor rounded = base.to(at::kBFloat16);
      EXPECT_EQ(parameters[i].weight.equal(rounded), !parameters[i].trainable)
          << parameters[i].name;
      if (ranks.first()) {
        EXPECT_EQ(weights[i].equal(base), !parameters[i].trainable) << parameters[i].name;
      }
    }
  });
}

TEST_P(FrozenTest, NothingIsHeldForThem) {
  OnEachRank(scratch_ / "", GetParam(), [&](Ranks& ranks) {
    const auto training = Open(ranks);
    const Parameters& parameters = training->parameters();
    EXPECT_LT(parameters.trainable_count(), parameters.count() / 3);
    const int64_t with_gaps =
        parameters.trainable_count() +
        static_cast<int64_t>(parameters.size()) * FlatLayout::kAlignment * ranks.size();
    EXPECT_LE(training->optimizer().shard().exp_avg.numel() * ranks.size(), with_gaps);
    EXPECT_EQ(parameters.flat().numel(), parameters.layout().size());
    EXPECT_LT(CheckpointBytes(parameters, DType::kF32, true) -
                  CheckpointBytes(parameters, DType::kF32, false),
              12 * parameters.count() / 3);
  });
}

TEST_P(FrozenTest, AResumedRunIsTheSameRun) {
  OnEachRank(scratch_ / "", GetParam(), [&](Ranks& ranks) {
    const auto whole = Open(ranks);
    Step(*whole, 0);
    Step(*whole, 1);
    const absl::Status saved = SaveTraining(scratch_ / "saved", *setup_, whole.get(), ranks);
    ASSERT_TRUE(saved.ok()) << saved;
    Step(*whole, 2);
    const auto resumed = Open(ranks);
    const absl::Status restored =
        RestoreOptimizer(scratch_ / "saved", resumed->parameters(), &resumed->optimizer());
    ASSERT_TRUE(restored.ok()) << restored;
    resumed->set_updates(2);
    Step(*resumed, 2);
    const std::vector<at::Tensor> expected = Weights(*whole), actual = Weights(*resumed);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(actual[i].equal(expected[i])) << i;
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, FrozenTest, testing::Values(1, 2));

}  // namespace
}  // namespace tune::trainer
