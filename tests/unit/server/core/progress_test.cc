#include "server/core/progress.h"

#include <gtest/gtest.h>

#include <cmath>

#include "run/pace.h"

namespace tune::server {
namespace {

TrainingReport Step(int64_t step, double seconds) {
  TrainingReport report;
  report.kind = TrainingReport::Kind::kStep;
  report.time = absl::FromUnixSeconds(step);
  report.step = step;
  report.total_steps = 100;
  report.loss = 2.5;
  report.tokens = 1000;
  report.seconds = seconds;
  return report;
}

TEST(Progress, AStepGivesPaceAndTimeLeft) {
  Progress progress;
  ApplyReport(Step(10, 2), 0, progress);
  EXPECT_EQ(progress.step, 10);
  EXPECT_EQ(progress.total_steps, 100);
  EXPECT_EQ(progress.loss, 2.5);
  EXPECT_EQ(progress.tokens_per_second, 500);
  EXPECT_EQ(progress.eta_seconds, 180);
  EXPECT_EQ(progress.update_time, absl::FromUnixSeconds(10));
}

TEST(Progress, ThePaceIsThatOfTheRunsOwnSteps) {
  Progress progress;
  Pace pace;
  for (int step = 41; step <= 60; ++step) {
    ApplyReport(Step(step, step), 40, progress);
    pace.Add(step, 1000);
  }
  EXPECT_DOUBLE_EQ(progress.seconds_per_step, pace.seconds_per_step);
  EXPECT_DOUBLE_EQ(progress.tokens_per_second, pace.tokens_per_second);
  EXPECT_DOUBLE_EQ(progress.eta_seconds, pace.SecondsLeft(60, 100));
}

TEST(Progress, AStepWithoutATimeChangesNoPace) {
  Progress progress;
  ApplyReport(Step(1, 0), 0, progress);
  EXPECT_TRUE(std::isnan(progress.seconds_per_step));
  EXPECT_TRUE(std::isnan(progress.eta_seconds));
}

TEST(Progress, AResumedRunBeginsAtItsCheckpoint) {
  Progress progress;
  ApplyReport(Step(50, 1), 0, progress);
  TrainingReport started;
  started.kind = TrainingReport::Kind::kStarted;
  started.total_steps = 100;
  started.resumed_step = 40;
  ApplyReport(started, 0, progress);
  EXPECT_EQ(progress.step, 40);
  // Another worker may be faster.
  EXPECT_TRUE(std::isnan(progress.seconds_per_step));
  EXPECT_TRUE(std::isnan(progress.eta_seconds));
}

TEST(Progress, AnEvaluationChangesItsLossOnly) {
  Progress progress;
  ApplyReport(Step(5, 1), 0, progress);
  TrainingReport evaluation;
  evaluation.kind = TrainingReport::Kind::kEvaluation;
  evaluation.eval_loss = 1.5;
  ApplyReport(evaluation, 0, progress);
  EXPECT_EQ(progress.eval_loss, 1.5);
  EXPECT_EQ(progress.loss, 2.5);
  EXPECT_EQ(progress.step, 5);
}

TEST(Progress, SourcesAreKeptApart) {
  Progress progress;
  TrainingReport step = Step(5, 1);
  step.sources = {{"datasets/a", 3, 10, 4, 50, 20}, {"datasets/b", 1, 10, 2, 30, 10}};
  ApplyReport(step, 0, progress);
  TrainingReport evaluation;
  evaluation.kind = TrainingReport::Kind::kEvaluation;
  evaluation.eval_sources = {{"datasets/b", 0.5, 10}};
  ApplyReport(evaluation, 0, progress);
  ASSERT_EQ(progress.sources.size(), 2u);
  EXPECT_EQ(progress.sources[0].loss, 3);
  EXPECT_EQ(progress.sources[0].target_tokens, 20);
  EXPECT_EQ(progress.sources[1].eval_loss, 0.5);
}

TEST(Progress, OtherEventsChangeNothing) {
  Progress progress;
  TrainingReport other;
  other.step = 9;
  other.time = absl::FromUnixSeconds(9);
  ApplyReport(other, 0, progress);
  EXPECT_EQ(progress.step, 0);
  EXPECT_EQ(progress.update_time, absl::InfinitePast());
}

}  // namespace
}  // namespace tune::server
