#include "run/source_progress.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tune {
namespace {

TEST(SourceProgress, ALossIsTheMeanOverTokensOfRecentSteps) {
  std::vector<SourceProgress> sources;
  AddStep({{"datasets/a", 4, 100, 8, 300, 100}, {"datasets/b", 1, 10, 1, 30, 10}}, &sources);
  AddStep({{"datasets/a", 2, 300, 20, 900, 400}}, &sources);
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].source, "datasets/a");
  EXPECT_DOUBLE_EQ(sources[0].loss, (0.95 * 100 * 4 + 300 * 2) / (0.95 * 100 + 300));
  EXPECT_EQ(sources[0].examples, 20);
  EXPECT_EQ(sources[0].tokens, 900);
  EXPECT_EQ(sources[0].target_tokens, 400);
  // A step without rows of a source leaves it as it was.
  EXPECT_EQ(sources[1].loss, 1);
  EXPECT_EQ(sources[1].examples, 1);
}

TEST(SourceProgress, ALossForgetsWhatWasLongAgo) {
  std::vector<SourceProgress> sources;
  AddStep({{"datasets/a", 9, 10}}, &sources);
  for (int i = 0; i < 200; ++i) AddStep({{"datasets/a", 1, 10}}, &sources);
  EXPECT_NEAR(sources[0].loss, 1, 1e-3);
}

TEST(SourceProgress, ALossThatBlewUpDoesNotStay) {
  std::vector<SourceProgress> sources;
  AddStep({{"datasets/a", INFINITY, 10}}, &sources);
  EXPECT_TRUE(std::isinf(sources[0].loss));
  AddStep({{"datasets/a", 2, 10}}, &sources);
  EXPECT_EQ(sources[0].loss, 2);
}

TEST(SourceProgress, AnEvaluationHasALossOfItsOwn) {
  std::vector<SourceProgress> sources;
  AddStep({{"datasets/a", 4, 100, 8, 300, 100}}, &sources);
  AddEvaluation({{"datasets/a", 3.5, 50}, {"datasets/c", 2.5, 50}}, &sources);
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].eval_loss, 3.5);
  EXPECT_EQ(sources[0].loss, 4);
  EXPECT_EQ(sources[1].eval_loss, 2.5);
  EXPECT_TRUE(std::isnan(sources[1].loss));
}

}  // namespace
}  // namespace tune
