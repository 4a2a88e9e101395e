// One effective batch gives one loss and one gradient, however it is cut into micro-batches
// and in whatever order its examples come.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "plain_phi.h"
#include "recipe/batches.h"
#include "recipe/random.h"
#include "tiny_model.h"
#include "worker/trainer/training_pass.h"

namespace tune::trainer {
namespace {

// Lengths, prompts and numbers of targets are uneven, so that a mean of means shows.
std::vector<Example> Uneven() {
  std::vector<Example> examples;
  const int64_t shapes[][2] = {{9, 3}, {31, 1}, {4, 3}, {12, 0}, {2, 0}, {25, 24}, {18, 9}, {7, 1}};
  for (const auto& [length, prompt] : shapes) {
    examples.push_back(RandomExample(length, prompt, 100 + examples.size()));
  }
  return examples;
}

int64_t Targets(const std::vector<Example>& examples) {
  int64_t targets = 0;
  for (const Example& example : examples) targets += example.target_tokens();
  return targets;
}

// Items of the whole batch, slots by place in `examples`; shuffled by `order`, 0 for not.
std::vector<BatchItem> ItemsInOrder(const std::vector<Example>& examples, uint64_t order) {
  std::vector<BatchItem> items;
  for (const Example& example : examples) {
    items.push_back({&example, static_cast<int64_t>(items.size())});
  }
  Random random({order});
  if (order > 0) ShuffleFront(items.size(), &random, &items);
  return items;
}

struct Sums {
  std::vector<double> losses;  // by slot
  std::vector<at::Tensor> gradients;
};

Sums RunBatch(const TinyModel& tiny, const std::vector<Example>& examples,
              const std::vector<BatchItem>& items, int64_t micro_batch_tokens, bool recompute,
              uint64_t dropout_seed = 0) {
  std::vector<int64_t> lengths;
  for (const BatchItem& item : items) {
    lengths.push_back(static_cast<int64_t>(item.example->ids.size()));
  }
  const PassOptions options{.scale = 1 / static_cast<double>(Targets(examples)),
                            .recompute = recompute,
                            .on_forward_done = {}};
  HostGradients gradients(tiny.parameters);
  Sums sums{std::vector<double>(items.size()), {}};
  for (const auto& picked : PackMicroBatches(lengths, micro_batch_tokens, micro_batch_tokens > 0)) {
    std::vector<BatchItem> part;
    for (const int64_t i : picked) part.push_back(items[i]);
    const MicroBatch batch = MakeMicroBatch(part, at::kCPU);
    const Dropout dropout = dropout_seed == 0 ? Dropout() : Dropout(dropout_seed, 3, batch);
    const auto losses = ForwardBackward(tiny.model, batch, dropout, options, &gradients);
    for (size_t i = 0; i < part.size(); ++i) sums.losses[part[i].slot] = losses[i];
  }
  for (size_t i = 0; i < gradients.size(); ++i) sums.gradients.push_back(gradients[i].clone());
  return sums;
}

// |actual - expected| / |expected|, both as one vector over all parameters.
double RelativeDistance(const std::vector<at::Tensor>& actual,
                        const std::vector<at::Tensor>& expected) {
  double distance = 0, length = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const at::Tensor exact = expected[i].to(at::kDouble);
    distance += (actual[i].to(at::kDouble) - exact).square().sum().item<double>();
    length += exact.square().sum().item<double>();
  }
  return std::sqrt(distance / length);
}

void ExpectSame(const Sums& actual, const std::vector<double>& losses,
                const std::vector<at::Tensor>& gradients) {
  for (size_t i = 0; i < losses.size(); ++i) {
    EXPECT_NEAR(actual.losses[i], losses[i], 1e-6 * losses[i]) << "example " << i;
  }
  EXPECT_LT(RelativeDistance(actual.gradients, gradients), 1e-6);
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_LT(RelativeError(actual.gradients[i], gradients[i]), 5e-6) << "parameter " << i;
  }
}

// micro_batch_tokens (0: packing off, which takes no budget), order, recompute.
using Cut = std::tuple<int64_t, uint64_t, bool>;

std::string CutName(const testing::TestParamInfo<Cut>& info) {
  const auto& [tokens, order, recompute] = info.param;
  return absl::StrCat(tokens > 0 ? absl::StrCat("packed_", tokens) : "single", "_order", order,
                      recompute ? "_recomputed" : "_kept");
}

class LossInvariance : public testing::TestWithParam<Cut> {
 protected:
  Sums Run(const TinyModel& tiny, uint64_t dropout_seed = 0) const {
    const auto& [tokens, order, recompute] = GetParam();
    return RunBatch(tiny, examples_, ItemsInOrder(examples_, order), tokens, recompute,
                    dropout_seed);
  }

  const std::vector<Example> examples_ = Uneven();
};

TEST_P(LossInvariance, EqualsThePlainWayInFp64) {
  const TinyModel tiny(TinyConfig());
  static const PlainResult expected =
      PlainPhi(TinyConfig(), tiny.parameters, examples_);  // the same for every cut
  ExpectSame(Run(tiny), expected.losses, expected.gradients);
}

TEST_P(LossInvariance, DropsTheSameValues) {
  ModelConfig config = TinyConfig();
  config.resid_pdrop = config.embd_pdrop = config.attention_dropout = 0.2;
  const TinyModel tiny(config);
  const Sums whole = RunBatch(tiny, examples_, ItemsInOrder(examples_, 0), 4096, false, 42);
  ExpectSame(Run(tiny, 42), whole.losses, whole.gradients);
}

INSTANTIATE_TEST_SUITE_P(Cuts, LossInvariance,
                         testing::Combine(testing::Values(0, 8, 40, 4096), testing::Values(0, 1),
                                          testing::Bool()),
                         CutName);

}  // namespace
}  // namespace tune::trainer
