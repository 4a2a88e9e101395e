#include "worker/trainer/net/training_pass.h"

#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "plain_phi.h"
#include "tiny_model.h"

namespace tune::trainer {
namespace {

std::vector<Example> Examples() {
  return {RandomExample(9, 3, 1), RandomExample(17, 1, 2), RandomExample(4, 3, 3),
          RandomExample(12, 0, 4), RandomExample(2, 0, 5)};
}

int64_t Targets(const std::vector<Example>& examples) {
  int64_t targets = 0;
  for (const Example& example : examples) targets += example.target_tokens();
  return targets;
}

struct PassResult {
  std::vector<double> losses;
  std::vector<at::Tensor> gradients;
};

// Gradients of the mean loss of `examples`, in micro-batches of `size` examples.
PassResult RunInMicroBatches(const TinyModel& tiny, const std::vector<Example>& examples,
                             size_t size, bool recompute, uint64_t dropout_seed = 0,
                             int64_t step = 3) {
  const auto one = OneRank();
  Gradients gradients(tiny.parameters, *one, *tiny.lanes, {});
  PassResult result;
  for (size_t first = 0; first < examples.size(); first += size) {
    const std::vector<Example> part(
        examples.begin() + static_cast<int64_t>(first),
        examples.begin() + static_cast<int64_t>(std::min(first + size, examples.size())));
    const MicroBatch batch = BatchOf(part, static_cast<int64_t>(first));
    const Dropout dropout = dropout_seed == 0 ? Dropout() : Dropout(dropout_seed, step, batch);
    const auto losses = ForwardBackward(
        tiny.model, batch, dropout,
        {.scale = 1.0 / static_cast<double>(Targets(examples)), .recompute = recompute},
        &gradients);
    result.losses.insert(result.losses.end(), losses.begin(), losses.end());
  }
  for (size_t i = 0; i < tiny.parameters.size(); ++i)
    result.gradients.push_back(gradients[i].clone());
  return result;
}

void ExpectNear(const PassResult& actual, const PassResult& expected, double tolerance,
                const Parameters& parameters) {
  ASSERT_EQ(actual.losses.size(), expected.losses.size());
  for (size_t i = 0; i < expected.losses.size(); ++i) {
    EXPECT_NEAR(actual.losses[i], expected.losses[i], tolerance * expected.losses[i]);
  }
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    EXPECT_LE(RelativeError(actual.gradients[i], expected.gradients[i]), tolerance)
        << parameters[i].name;
  }
}

class TrainingPassShapes : public testing::TestWithParam<const char*> {
 protected:
  ModelConfig Config() const {
    ModelConfig config = TinyConfig();
    const std::string shape = GetParam();
    if (shape == "grouped") config.num_key_value_heads = 2;
    if (shape == "qk_layernorm") config.qk_layernorm = true;
    if (shape == "tied") config.tie_word_embeddings = true;
    return config;
  }
};

TEST_P(TrainingPassShapes, EqualsPlainPhi) {
  const TinyModel tiny(Config());
  const auto examples = Examples();
  const PlainResult expected = PlainPhi(Config(), tiny.parameters, examples);
  ExpectNear(RunInMicroBatches(tiny, examples, 2, true), {expected.losses, expected.gradients},
             5e-6, tiny.parameters);
}

INSTANTIATE_TEST_SUITE_P(Shapes, TrainingPassShapes,
                         testing::Values("plain", "grouped", "qk_layernorm", "tied"));

// Weights that are NaN until they are awaited, each of them alone.
TEST_P(TrainingPassShapes, AwaitsEachParameterBeforeItReadsIt) {
  const TinyModel tiny(Config());
  const std::vector<Example> examples = Examples();
  const MicroBatch batch = BatchOf(examples);
  for (const bool recompute : {true, false}) {
    const auto expected = RunInMicroBatches(tiny, examples, examples.size(), recompute).losses;
    std::vector<at::Tensor> weights;
    for (size_t i = 0; i < tiny.parameters.size(); ++i) {
      weights.push_back(tiny.parameters[i].weight.detach().clone());
      tiny.parameters.Set(i, at::full_like(weights[i], NAN));
    }
    const auto one = OneRank();
    Gradients gradients(tiny.parameters, *one, *tiny.lanes, {});
    std::vector<bool> there(tiny.parameters.size(), false);
    const PassOptions options{.recompute = recompute, .await = [&](size_t i) {
                                if (!there[i]) tiny.parameters.Set(i, weights[i]);
                                there[i] = true;
                              }};
    EXPECT_EQ(ForwardBackward(tiny.model, batch, Dropout(), options, &gradients), expected);
  }
}

TEST(TrainingPass, RecomputeChangesNoBit) {
  ModelConfig config = TinyConfig();
  config.resid_pdrop = config.embd_pdrop = config.attention_dropout = 0.1;
  const TinyModel tiny(config);
  const auto examples = Examples();
  const PassResult kept = RunInMicroBatches(tiny, examples, 5, false, 42);
  const PassResult recomputed = RunInMicroBatches(tiny, examples, 5, true, 42);
  EXPECT_EQ(kept.losses, recomputed.losses);
  for (size_t i = 0; i < kept.gradients.size(); ++i) {
    EXPECT_TRUE(kept.gradients[i].equal(recomputed.gradients[i])) << tiny.parameters[i].name;
  }
}

TEST(TrainingPass, DropoutFollowsSeedAndStep) {
  ModelConfig config = TinyConfig();
  config.resid_pdrop = 0.5;
  const TinyModel tiny(config);
  const auto examples = Examples();
  const auto first = RunInMicroBatches(tiny, examples, 5, true, 1).losses;
  EXPECT_EQ(first, RunInMicroBatches(tiny, examples, 5, true, 1).losses);
  EXPECT_NE(first, RunInMicroBatches(tiny, examples, 5, true, 2).losses);
  EXPECT_NE(first, RunInMicroBatches(tiny, examples, 5, true, 1, /*step=*/4).losses);
}

// Central differences of the loss along random directions.
TEST(TrainingPass, GradientPredictsTheLoss) {
  const TinyModel tiny(TinyConfig());
  const auto examples = Examples();
  const double scale = 1.0 / static_cast<double>(Targets(examples));
  const PassResult pass = RunInMicroBatches(tiny, examples, 5, true);
  const MicroBatch batch = BatchOf(examples);
  const auto loss = [&] {
    const auto losses = Forward(tiny.model, batch);
    return std::accumulate(losses.begin(), losses.end(), 0.0) * scale;
  };
  for (size_t i = 0; i < tiny.parameters.size(); ++i) {
    const at::Tensor weight = tiny.parameters[i].weight.detach().clone();
    const at::Tensor direction = RandomTensor(weight.sizes(), 77 + i);
    const double step = 3e-3 / direction.norm().item<double>();
    tiny.parameters.Set(i, weight + direction * step);
    const double above = loss();
    tiny.parameters.Set(i, weight - direction * step);
    const double below = loss();
    tiny.parameters.Set(i, weight);
    const double slope = (pass.gradients[i] * direction).sum().item<double>();
    const double size = pass.gradients[i].norm().item<double>() * direction.norm().item<double>();
    EXPECT_NEAR((above - below) / (2 * step), slope, 0.01 * size + 1e-4) << tiny.parameters[i].name;
  }
}

TEST(TrainingPass, PaddingEmbeddingDoesNotLearn) {
  ModelConfig config = TinyConfig();
  const std::vector<Example> examples = {RandomExample(9, 0, 1)};
  config.pad_token_id = examples[0].ids[2];
  const TinyModel tiny(config);
  const PassResult pass = RunInMicroBatches(tiny, examples, 1, true);
  const at::Tensor& rows = pass.gradients[tiny.model.embedding()];
  EXPECT_EQ(rows[config.pad_token_id].abs().max().item<float>(), 0);
  EXPECT_GT(rows[examples[0].ids[1]].abs().max().item<float>(), 0);
}

// Where the padding token is the end token, as Phi-2 users set it, its embedding does not
// learn, but to predict it does.
TEST(TrainingPass, TheEndTokenIsLearnedThoughItPads) {
  ModelConfig config = TinyConfig();
  std::vector<Example> examples = {RandomExample(9, 3, 1, 90)};
  examples[0].ids.push_back(static_cast<int32_t>(config.eos_token_id));
  examples[0].target.push_back(1);
  const TinyModel tiny(config);
  const PassResult expected = RunInMicroBatches(tiny, examples, 1, true);
  config.pad_token_id = config.eos_token_id;
  const TinyModel padding(config);
  const PassResult pass = RunInMicroBatches(padding, examples, 1, true);
  EXPECT_EQ(pass.losses, expected.losses);
  const size_t head = tiny.model.head().weight;
  EXPECT_TRUE(pass.gradients[head].equal(expected.gradients[head]));
  EXPECT_EQ(BatchOf(examples).labels[-1].item<int64_t>(), config.eos_token_id);
}

TEST(TrainingPass, ForwardGivesTheSameLosses) {
  const TinyModel tiny(TinyConfig());
  const auto examples = Examples();
  const auto losses = Forward(tiny.model, BatchOf(examples));
  const auto trained = RunInMicroBatches(tiny, examples, 5, true).losses;
  for (size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], trained[i], 1e-5);
}

TEST(TrainingPass, Bf16StaysWithinItsRounding) {
  const TinyModel exact(TinyConfig()), rounded(TinyConfig(), at::kBFloat16);
  const auto examples = Examples();
  const PassResult expected = RunInMicroBatches(exact, examples, 5, true);
  const PassResult actual = RunInMicroBatches(rounded, examples, 5, true);
  for (size_t i = 0; i < expected.losses.size(); ++i) {
    EXPECT_NEAR(actual.losses[i], expected.losses[i], 0.05 * expected.losses[i]);
  }
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    // k_proj's bias shifts all scores of a query alike: its true gradient is zero.
    if (exact.parameters[i].name.ends_with("k_proj.bias")) continue;
    EXPECT_LT(RelativeError(actual.gradients[i], expected.gradients[i]), 0.15)
        << exact.parameters[i].name;
  }
}

TEST(MakeMicroBatch, MasksTheFirstLabelOfEachDocument) {
  const std::vector<Example> examples = {RandomExample(3, 0, 1), RandomExample(4, 2, 2)};
  const MicroBatch batch = BatchOf(examples);
  EXPECT_TRUE(batch.positions.equal(at::tensor({0, 1, 2, 0, 1, 2, 3}, at::kLong)));
  EXPECT_TRUE(batch.target_rows.equal(at::tensor({0, 1, 4, 5}, at::kLong)));
  EXPECT_EQ(batch.labels[2].item<int64_t>(), examples[1].ids[2]);
  EXPECT_EQ(batch.target_offsets, (std::vector<int64_t>{0, 2, 4}));
}

}  // namespace
}  // namespace tune::trainer
