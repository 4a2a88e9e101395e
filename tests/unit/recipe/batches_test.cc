#include "recipe/data/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "base/random.h"
#include "recipe/data/batch_shape.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// How often each example comes in one epoch.
std::map<std::pair<int32_t, int64_t>, int> CountsOf(const DataOrder& order, int64_t epoch) {
  std::map<std::pair<int32_t, int64_t>, int> counts;
  for (int64_t i = 0; i < order.steps_per_epoch(); ++i) {
    for (const ExampleRef& ref : order.Batch(epoch * order.steps_per_epoch() + i)) {
      ++counts[{ref.source, ref.index}];
    }
  }
  return counts;
}

TEST(DataOrder, EveryExampleComesOnceAnEpoch) {
  const DataOrder order({{10, 10}, {5, 5}}, 4, 3, 0, 7);
  EXPECT_EQ(order.examples_per_epoch(), 15);
  EXPECT_EQ(order.steps_per_epoch(), 4);
  EXPECT_EQ(order.total_steps(), 12);
  EXPECT_EQ(order.Batch(3).size(), 3);  // 15 = 4 + 4 + 4 + 3
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const auto counts = CountsOf(order, epoch);
    EXPECT_EQ(counts.size(), 15);
    for (const auto& [ref, count] : counts) EXPECT_EQ(count, 1);
  }
}

TEST(DataOrder, EpochsAndSeedsDiffer) {
  const DataOrder order({{100, 100}}, 100, 2, 0, 7);
  EXPECT_NE(order.Batch(0), order.Batch(1));
  EXPECT_NE(order.Batch(0), DataOrder({{100, 100}}, 100, 2, 0, 8).Batch(0));
}

TEST(DataOrder, AStepIsTheSameWhateverWasAskedBefore) {
  const DataOrder forward({{37, 37}, {11, 28}}, 8, 3, 0, 1);
  const DataOrder backward({{37, 37}, {11, 28}}, 8, 3, 0, 1);
  std::vector<std::vector<ExampleRef>> batches;
  for (int64_t i = 0; i < forward.total_steps(); ++i) batches.push_back(forward.Batch(i));
  for (int64_t i = backward.total_steps() - 1; i >= 0; --i) {
    EXPECT_EQ(backward.Batch(i), batches[i]) << "step " << i;
  }
}

// The order is part of what a checkpoint promises: a change here breaks every resume.
TEST(DataOrder, StaysTheSameAcrossVersions) {
  const DataOrder order({{5, 5}}, 5, 1, 0, 0);
  std::vector<int64_t> indices;
  for (const ExampleRef& ref : order.Batch(0)) indices.push_back(ref.index);
  EXPECT_THAT(indices, ElementsAre(3, 0, 1, 2, 4));
}

TEST(DataOrder, DrawsGiveWholePassesAndARemainderDrawnAnew) {
  const DataOrder order({{10, 23}, {10, 4}}, 64, 4, 0, 3);
  EXPECT_EQ(order.examples_per_epoch(), 23 + 4);
  std::set<std::vector<int64_t>> remainders;
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    std::map<int, int> times;  // how many of source 0 came how often
    std::vector<int64_t> thrice;
    int of_second = 0;
    for (const auto& [ref, count] : CountsOf(order, epoch)) {
      if (ref.first == 1) {
        EXPECT_EQ(count, 1);
        ++of_second;
        continue;
      }
      ++times[count];
      if (count == 3) thrice.push_back(ref.second);
    }
    EXPECT_EQ(times, (std::map<int, int>{{2, 7}, {3, 3}}));
    EXPECT_EQ(of_second, 4);
    remainders.insert(thrice);
  }
  EXPECT_GT(remainders.size(), 1);
}

TEST(DataOrder, StepsAreRoundedUpAndEndWithMaxSteps) {
  EXPECT_EQ(DataOrder({{10, 10}}, 4, 0.5, 0, 0).total_steps(), 2);   // ceil(0.5 * 3)
  EXPECT_EQ(DataOrder({{10, 10}}, 4, 1e-9, 0, 0).total_steps(), 1);  // never none
  EXPECT_EQ(DataOrder({{10, 10}}, 4, 2, 5, 0).total_steps(), 5);
  EXPECT_EQ(DataOrder({{10, 10}}, 4, 2, 50, 0).total_steps(), 6);
  EXPECT_THAT(DataOrder({{10, 10}}, 4, 2, 5, 0).Batch(5), IsEmpty());
}

TEST(DataOrder, NoExamplesNoSteps) {
  const DataOrder order({{0, 0}, {1, 0}}, 4, 2, 10, 0);
  EXPECT_EQ(order.examples_per_epoch(), 0);
  EXPECT_EQ(order.total_steps(), 0);
  EXPECT_THAT(order.Batch(0), IsEmpty());
  EXPECT_THAT(order.Batch(-1), IsEmpty());
}

TEST(DataOrder, MayBeAskedFromSeveralThreads) {
  const DataOrder order({{50, 50}}, 5, 20, 0, 1);
  const auto read = [&order](int64_t first) {
    for (int64_t i = 0; i < order.total_steps(); ++i) {
      EXPECT_EQ(order.Batch((first + i) % order.total_steps()).size(), 5);
    }
  };
  std::thread other(read, 77);
  read(0);
  other.join();
}

TEST(PackMicroBatches, FillsTheFirstThatHasRoomLongestFirst) {
  // 6 | 5+4 | 3+3+3 with a budget of 9: sorted 6 5 4 3 3 3; the first 3 joins the 6.
  EXPECT_THAT(PackMicroBatches({3, 6, 5, 3, 4, 3}, 9, true),
              ElementsAre(ElementsAre(1, 0), ElementsAre(2, 4), ElementsAre(3, 5)));
}

TEST(PackMicroBatches, TiesGoByIndex) {
  EXPECT_THAT(PackMicroBatches({2, 2, 2}, 4, true), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
}

TEST(PackMicroBatches, ALongerExampleIsAlone) {
  EXPECT_THAT(PackMicroBatches({1, 10, 1, 12}, 4, true),
              ElementsAre(ElementsAre(3), ElementsAre(1), ElementsAre(0, 2)));
}

TEST(PackMicroBatches, WithoutPackingOneEach) {
  EXPECT_THAT(PackMicroBatches({1, 1}, 4, false), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

TEST(PackMicroBatches, NothingGivesNothing) {
  EXPECT_THAT(PackMicroBatches({}, 4, true), IsEmpty());
  EXPECT_THAT(PackMicroBatches({}, 4, false), IsEmpty());
}

// The same as the plain O(n^2) first fit, on random lengths.
TEST(PackMicroBatches, IsFirstFitDecreasing) {
  Random random({1});
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> lengths(random.Below(40));
    for (int64_t& length : lengths) length = static_cast<int64_t>(random.Below(120)) + 1;
    std::vector<int64_t> order(lengths.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
    std::vector<std::vector<int64_t>> expected;
    std::vector<int64_t> used;
    for (const int64_t i : order) {
      size_t slot = 0;
      while (slot < used.size() && used[slot] + lengths[i] > 100) ++slot;
      if (slot == used.size()) {
        used.push_back(0);
        expected.emplace_back();
      }
      used[slot] += lengths[i];
      expected[slot].push_back(i);
    }
    EXPECT_EQ(PackMicroBatches(lengths, 100, true), expected);
  }
}

TEST(BatchShapeTest, IsThatOfThePackedEpoch) {
  RunSpec spec;
  spec.batch_size = 4;
  spec.micro_batch_tokens = 50;
  const std::vector<int64_t> lengths = {10, 20, 30, 40, 7};
  BatchShape shape = ShapeOfBatches({10, 20, 30, 40}, spec);
  EXPECT_EQ(shape.batches, 1);
  EXPECT_EQ(shape.micro_batches, 2);
  EXPECT_EQ(shape.rows, 2);
  EXPECT_EQ(shape.tokens, 50);
  EXPECT_EQ(shape.most_tokens, 50);
  spec.packing = false;
  shape = ShapeOfBatches(lengths, spec);
  EXPECT_EQ(shape.batches, 2);
  EXPECT_EQ(shape.micro_batches, 2.5);
  EXPECT_EQ(shape.rows, 1);
  EXPECT_DOUBLE_EQ(shape.tokens, 107 / 5.0);
  EXPECT_EQ(shape.most_tokens, 40);
  EXPECT_EQ(ShapeOfBatches({}, spec).batches, 0);
}

}  // namespace
}  // namespace tune
