// One effective batch gives one loss and one gradient, however it is cut into micro-batches,
// in whatever order its examples come, and however many ranks share it.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "plain_phi.h"
#include "rank_threads.h"
#include "recipe/data/batches.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"
#include "tiny_model.h"
#include "worker/trainer/net/training_pass.h"

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

// How a batch is worked through.
struct Way {
  int64_t micro_batch_tokens = 4096;  // 0: packing off, which takes no budget
  bool recompute = false;
  int64_t ranks = 1;
  uint64_t dropout_seed = 0;  // 0: no dropout
};

std::vector<MicroBatch> Cut(const std::vector<BatchItem>& items, int64_t micro_batch_tokens) {
  std::vector<int64_t> lengths;
  for (const BatchItem& item : items) {
    lengths.push_back(static_cast<int64_t>(item.example->ids.size()));
  }
  std::vector<MicroBatch> batches;
  for (const auto& picked : PackMicroBatches(lengths, micro_batch_tokens, micro_batch_tokens > 0)) {
    std::vector<BatchItem> part;
    for (const int64_t i : picked) part.push_back(items[i]);
    batches.push_back(MakeMicroBatch(part, at::kCPU));
  }
  return batches;
}

// A rank's share of the work: it has every ranks-th micro-batch, some one fewer than others.
void RunShare(const ModelConfig& config, const std::vector<MicroBatch>& batches, double scale,
              const Way& way, Ranks& ranks, Sums* sums) {
  const TinyModel tiny(config, at::kFloat, ranks.size());
  Gradients gradients(tiny.parameters, ranks, *tiny.lanes, {});
  for (size_t first = 0; first < batches.size(); first += ranks.size()) {
    if (first + ranks.rank() >= batches.size()) {
      gradients.Done(0);
      continue;
    }
    const MicroBatch& batch = batches[first + ranks.rank()];
    const Dropout dropout = way.dropout_seed == 0 ? Dropout() : Dropout(way.dropout_seed, 3, batch);
    const PassOptions options{.scale = scale, .recompute = way.recompute};
    const auto losses = ForwardBackward(tiny.model, batch, dropout, options, &gradients);
    for (size_t i = 0; i < losses.size(); ++i) sums->losses[batch.slots[i]] = losses[i];
  }
  std::vector<at::Tensor> parts;
  for (int64_t bucket = 0; bucket < tiny.parameters.layout().buckets(); ++bucket) {
    parts.push_back(gradients.Sum(bucket));
  }
  const at::Tensor shard = at::cat(parts);
  for (size_t i = 0; i < tiny.parameters.size(); ++i) {
    const Range range = tiny.parameters.layout().Parameter(i);
    const at::Tensor whole = sums->gradients[i].flatten();
    for (const ShardPiece& piece : tiny.parameters.layout().Pieces(range, ranks.rank())) {
      whole.narrow(0, piece.flat.begin - range.begin, piece.flat.size())
          .copy_(shard.narrow(0, piece.shard_begin, piece.flat.size()));
    }
  }
}

Sums RunBatch(const ModelConfig& config, const std::vector<Example>& examples,
              const std::vector<BatchItem>& items, const Way& way) {
  const ScratchFolder scratch;
  const TinyModel tiny(config);
  Sums sums{std::vector<double>(items.size()), {}};
  for (size_t i = 0; i < tiny.parameters.size(); ++i) {
    sums.gradients.push_back(at::zeros(tiny.parameters[i].weight.sizes(), at::kFloat));
  }
  const auto batches = Cut(items, way.micro_batch_tokens);
  // Each rank writes its own slots and its own parts of the gradients.
  OnEachRank(scratch / "", way.ranks, [&](Ranks& ranks) {
    RunShare(config, batches, 1 / static_cast<double>(Targets(examples)), way, ranks, &sums);
  });
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

// micro_batch_tokens, order, recompute, ranks.
using Combination = std::tuple<int64_t, uint64_t, bool, int64_t>;

std::string CombinationName(const testing::TestParamInfo<Combination>& info) {
  const auto& [tokens, order, recompute, ranks] = info.param;
  return absl::StrCat(tokens > 0 ? absl::StrCat("packed_", tokens) : "single", "_order", order,
                      recompute ? "_recomputed" : "_kept", "_ranks", ranks);
}

class LossInvariance : public testing::TestWithParam<Combination> {
 protected:
  Sums Run(const ModelConfig& config, uint64_t dropout_seed = 0) const {
    const auto& [tokens, order, recompute, ranks] = GetParam();
    return RunBatch(config, examples_, ItemsInOrder(examples_, order),
                    {tokens, recompute, ranks, dropout_seed});
  }

  const std::vector<Example> examples_ = Uneven();
};

TEST_P(LossInvariance, EqualsThePlainWayInFp64) {
  const TinyModel tiny(TinyConfig());
  static const PlainResult expected =
      PlainPhi(TinyConfig(), tiny.parameters, examples_);  // the same for every cut
  ExpectSame(Run(TinyConfig()), expected.losses, expected.gradients);
}

TEST_P(LossInvariance, DropsTheSameValues) {
  ModelConfig config = TinyConfig();
  config.resid_pdrop = config.embd_pdrop = config.attention_dropout = 0.2;
  const Sums whole = RunBatch(config, examples_, ItemsInOrder(examples_, 0), {.dropout_seed = 42});
  ExpectSame(Run(config, 42), whole.losses, whole.gradients);
}

INSTANTIATE_TEST_SUITE_P(Cuts, LossInvariance,
                         testing::Combine(testing::Values(0, 8, 40, 4096), testing::Values(0, 1),
                                          testing::Bool(), testing::Values(1, 2, 3)),
                         CombinationName);

}  // namespace
}  // namespace tune::trainer
