#include "worker/trainer/run/divergence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tune::trainer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kVocab = 1000;  // guessing: 6.91

std::string At(absl::Span<const double> losses) {
  const size_t first = std::min(losses.size(), kFirstSteps);
  const size_t last = std::min(losses.size(), kDivergenceWindow);
  return DivergenceAt(losses.first(first), losses.last(last), kVocab);
}

// The steps, from 1, at which something is told.
std::vector<size_t> Told(const std::vector<double>& losses) {
  std::vector<size_t> told;
  for (size_t steps = 1; steps <= losses.size(); ++steps) {
    if (!At(absl::MakeSpan(losses).first(steps)).empty()) told.push_back(steps);
  }
  return told;
}

TEST(DivergenceTest, WorseThanGuessingIsToldOnceItLasts) {
  const std::vector<double> losses = {6.9, 17.2, 38.5, 69.1, 55.0, 48.3, 51.7, 50.2};
  EXPECT_THAT(Told(losses), ElementsAre(5));
  EXPECT_THAT(At(absl::MakeSpan(losses).first(5)),
              HasSubstr("the loss is 55.0000, and for 4 steps was above the 6.9078 of guessing "
                        "among the vocabulary's 1000 tokens"));
}

TEST(DivergenceTest, AModelThatBeginsWorseThanGuessingMayGetBetter) {
  EXPECT_THAT(Told({11.2, 11.0, 10.9, 10.7, 10.2, 9.9, 9.1, 8.4, 7.9, 7.6, 7.5, 7.3, 7.2}),
              IsEmpty());
}

TEST(DivergenceTest, ALossThatStaysAboveItsBeginningIsTold) {
  const std::vector<double> losses = {1.9, 2.0, 1.8, 1.9, 2.1, 2.4, 2.6,
                                      2.9, 3.0, 3.3, 3.2, 3.5, 3.4, 3.6};
  EXPECT_THAT(Told(losses), ElementsAre(13));
  EXPECT_THAT(
      At(absl::MakeSpan(losses).first(13)),
      HasSubstr("in each of the last 8 steps was above 2.0000, the highest of the first 4"));
}

TEST(DivergenceTest, NoisyLossesThatFallAreNot) {
  EXPECT_THAT(Told({2.1, 1.4, 2.9, 1.1, 2.8, 3.1, 1.2, 2.6, 0.9, 2.2, 2.7, 1.0, 2.4, 0.8, 1.9}),
              IsEmpty());
}

}  // namespace
}  // namespace tune::trainer
