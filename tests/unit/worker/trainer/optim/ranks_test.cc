#include "worker/trainer/optim/ranks.h"
#include "recipe/model/model_family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "rank_threads.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"
#include "tiny_model.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/optim/optimizer.h"

namespace tune::trainer {
namespace {

using ::testing::ElementsAre;

class RanksTest : public ::testing::Test {
 protected:
  void OnEach(int64_t size, const std::function<void(Ranks&)>& body) {
    OnEachRank(scratch_ / "", size, body);
  }

  ScratchFolder scratch_;
};

TEST_F(RanksTest, Sum) {
  OnEach(3, [](Ranks& ranks) {
    std::vector<double> values = {1.5, static_cast<double>(ranks.rank())};
    ranks.Sum(values);
    EXPECT_THAT(values, ElementsAre(4.5, 3));
  });
}

TEST_F(RanksTest, ReduceScatterSumsTheOwnPart) {
  OnEach(2, [](Ranks& ranks) {
    const at::Tensor bucket = at::arange(8, at::kFloat) * static_cast<double>(ranks.rank() + 1);
    ranks.ReduceScatter(bucket);
    const at::Tensor sum = at::arange(8, at::kFloat) * 3;
    EXPECT_TRUE(bucket.narrow(0, 4 * ranks.rank(), 4).equal(sum.narrow(0, 4 * ranks.rank(), 4)));
  });
}

TEST_F(RanksTest, AllGatherTakesAnyType) {
  OnEach(2, [](Ranks& ranks) {
    const at::Tensor bucket = at::zeros({6}, at::kBFloat16);
    bucket.narrow(0, 3 * ranks.rank(), 3).fill_(1.5 + static_cast<double>(ranks.rank()));
    ranks.AllGather(bucket);
    EXPECT_TRUE(
        bucket.equal(at::tensor({1.5, 1.5, 1.5, 2.5, 2.5, 2.5}, at::kFloat).to(at::kBFloat16)));
  });
}

TEST_F(RanksTest, AFailureOfOneIsTheFailureOfAll) {
  OnEach(2, [](Ranks& ranks) {
    EXPECT_TRUE(AllOk(ranks, absl::OkStatus()).ok());
    const bool bad = ranks.rank() == 1;
    const absl::Status all = AllOk(ranks, bad ? Fail(kDiskFull, "no room") : absl::OkStatus());
    EXPECT_EQ(FailureOf(all).reason, bad ? kDiskFull : kRankLost);
  });
}

TEST_F(RanksTest, TheOthersOfALostRankThrow) {
  OnEach(2, [](Ranks& ranks) {
    std::vector<double> values = {1};
    ranks.Sum(values);  // all are there
    if (ranks.rank() == 1) return;
    EXPECT_THROW(ranks.Sum(values), RankLost);
  });
}

// ZeRO-2: the same updates from shards of 1/N.
TEST_F(RanksTest, ShardsOfTheOptimizerUpdateAsOne) {
  RunSpec spec;
  spec.weight_decay = 0.1;
  const auto train = [&](Ranks& ranks) {
    const TinyModel tiny(TinyConfig(), at::kFloat, ranks.size());
    AdamW optimizer(tiny.parameters, spec, ranks, *tiny.lanes, {});
    Gradients gradients(tiny.parameters, ranks, *tiny.lanes, {});
    EXPECT_EQ(optimizer.shard().exp_avg.numel() * ranks.size(), tiny.parameters.layout().size());
    EXPECT_EQ(optimizer.shard().master.numel() * ranks.size(), tiny.parameters.layout().size());
    for (size_t i = 0; i < tiny.parameters.size(); ++i) {
      optimizer.SetMaster(i, RandomTensor(tiny.parameters[i].weight.sizes(), i));
    }
    std::vector<at::Tensor> results;
    for (int64_t t = 1; t <= 3; ++t) {
      gradients.Clear();
      gradients.BeginLastPass();
      // Powers of two, so that sums are exact; the last rank has nothing to add.
      for (size_t i = 0; ranks.rank() < 2 && i < tiny.parameters.size(); ++i) {
        gradients.Add(i, RandomTensor(tiny.parameters[i].weight.sizes(), 100 * t + i) *
                             (ranks.size() == 1 ? 1.0 : 0.5));
      }
      gradients.Done(0);
      const double norm = gradients.Norm();
      optimizer.Step(gradients, 1e-2, ClipScale(norm, 1), t);
      results.push_back(at::ones({1}, at::kDouble) * norm);
    }
    const auto masters = optimizer.Masters();
    EXPECT_EQ(masters.size(), ranks.first() ? tiny.parameters.size() : 0);
    for (size_t i = 0; i < masters.size(); ++i) {
      EXPECT_TRUE(masters[i].equal(tiny.parameters[i].weight.detach())) << i;
    }
    results.push_back(tiny.parameters.flat().detach().clone());
    return results;
  };
  const auto one = OneRank();
  const auto expected = train(*one);
  OnEach(3, [&](Ranks& ranks) {
    const auto actual = train(ranks);
    for (int i = 0; i < 3; ++i) EXPECT_LT(RelativeError(actual[i], expected[i]), 1e-12);
    const int64_t size = std::min(actual[3].numel(), expected[3].numel());
    EXPECT_LT(RelativeError(actual[3].narrow(0, 0, size), expected[3].narrow(0, 0, size)), 1e-7);
  });
}

// One of several ranks whose others are not there: it sums with nobody.
class Alone : public Ranks {
 public:
  explicit Alone(int64_t size) : size_(size) {}
  int64_t rank() const override { return 0; }
  int64_t size() const override { return size_; }
  void Sum(std::vector<double>&) override {}
  void ReduceScatter(const at::Tensor&) override { ++reduced; }
  void AllGather(const at::Tensor&) override {}

  int64_t reduced = 0;

 private:
  const int64_t size_;
};

TEST(Gradients, BucketsLeaveAPassAsSoonAsTheyAreWhole) {
  const TinyModel tiny(TinyConfig(), at::kFloat, 2);
  Alone ranks(2);
  Gradients gradients(tiny.parameters, ranks, *tiny.lanes, {});
  for (size_t i = tiny.parameters.size(); i-- > 0;) {
    gradients.Add(i, tiny.parameters[i].weight.detach());
    gradients.Done(i);
    // No more stay than hold the parameter that came last.
    const Range range = tiny.parameters.layout().Parameter(i);
    const int64_t below = (range.begin + TinyModel::kSmallBucket - 1) / TinyModel::kSmallBucket;
    EXPECT_GE(ranks.reduced, tiny.parameters.layout().buckets() - below - 1) << i;
  }
  EXPECT_EQ(ranks.reduced, tiny.parameters.layout().buckets());
}

// But for what was freed.
int64_t ResidentBytes() {
  malloc_trim(0);
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Resident memory of masters, moments and gradients once a step has used all of them.
int64_t StateBytes(const ModelConfig& config, int64_t ranks) {
  const Parameters parameters(config, at::kCPU, at::kBFloat16, ranks, int64_t{1} << 17);
  parameters.flat().detach().fill_(1);
  const int64_t before = ResidentBytes();
  Alone alone(ranks);
  const auto lanes = InTurn(/*apart=*/false);
  AdamW optimizer(parameters, RunSpec(), alone, *lanes, {});
  Gradients gradients(parameters, alone, *lanes, {});
  gradients.BeginLastPass();
  for (size_t i = parameters.size(); i-- > 0;) {
    optimizer.SetMaster(i, parameters[i].weight.detach());
    gradients.Add(i, parameters[i].weight.detach());
    gradients.Done(i);
  }
  optimizer.Step(gradients, 1e-2, 1, 1);
  return ResidentBytes() - before;
}

// 16 bytes a parameter, over the ranks, beside the gradients of a layer on their way.
TEST(RankMemory, EachHasItsShareOfTheState) {
  ModelConfig config = TinyConfig();
  config.hidden_size = 200;
  config.intermediate_size = 800;
  config.num_hidden_layers = 16;
  for (const int64_t ranks : {1, 2, 4}) {
    const double share =
        16 * static_cast<double>(ParameterCount(config)) / static_cast<double>(ranks);
    EXPECT_NEAR(static_cast<double>(StateBytes(config, ranks)) / share, 1, 0.15) << ranks;
  }
}

}  // namespace
}  // namespace tune::trainer
