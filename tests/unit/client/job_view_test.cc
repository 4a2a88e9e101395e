// The live view's frames and the lines off a terminal, from a given history.
#include "client/job_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/event_lines.h"
#include "client/format.h"
#include "client/live_region.h"
#include "client/text.h"
#include "proto/wire/convert.h"
#include "tests/support/scripted/job_history.h"

namespace tune::client {
namespace {

using testing::Batch;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeJob;
using testing::StateEvent;
using testing::StepEvent;
using testing::TrainingEntry;

constexpr int64_t kStart = 1'764'000'000;

v1::Job Running(const std::string& id) {
  v1::Job job = MakeJob(id, v1::Job::RUNNING);
  job.set_worker("workers/gpu-a1");
  return job;
}

v1::JobEvent Started(int64_t total, int64_t resumed) {
  v1::TrainingEvent event;
  event.mutable_started()->set_total_steps(total);
  event.mutable_started()->set_resumed_step(resumed);
  event.mutable_started()->set_device("cpu");
  event.mutable_started()->set_precision("fp32");
  return TrainingEntry(event);
}

v1::JobEvent CheckpointEvent(const std::string& name) {
  v1::JobEvent event;
  event.set_checkpoint(name);
  return event;
}

std::string Frame(const JobView& view, int64_t second, int width = 80,
                  Screen screen = {.unicode = true}) {
  return absl::StrJoin(
      view.Lines(absl::FromUnixSeconds(kStart + second), absl::UTCTimeZone(), width, Style(screen)),
      "\n");
}

TEST(JobView, Queued) {
  JobView view;
  v1::Job job = MakeJob("chip2", v1::Job::QUEUED);
  job.set_queue_position(2);
  job.set_reason("NoWorker");
  view.Apply(Batch({StateEvent(v1::Job::QUEUED)}, job));
  EXPECT_EQ(Frame(view, 5), "job/chip2  QUEUED  behind 2 jobs  NoWorker");
}

TEST(JobView, Running) {
  JobView view;
  view.Apply(
      Batch({StateEvent(v1::Job::RUNNING, "workers/gpu-a1"), Started(8, 0), StepEvent(1, 8, 4.0),
             StepEvent(2, 8, 3.0), CheckpointEvent("jobs/chip2/checkpoints/step-00000002"),
             StepEvent(3, 8, 2.0), StepEvent(4, 8, 1.041)},
            Running("chip2")));
  EXPECT_EQ(Frame(view, 125),
            "job/chip2  RUNNING on gpu-a1\n"
            " step 4/8 ━━━━━━━━━━━━━━━━╸────────────────  50.0%  epoch 1.00/2  ETA 2s (16:02)\n"
            " loss 1.041 █▆▃▁  lr 9.2e-06  |g| 0.83  2,000 tok/s\n"
            " last checkpoint step 2 (2m00s ago)");
}

TEST(JobView, ShowsEachSourceOfAJobWithSeveral) {
  v1::Job job = Running("x");
  for (const auto& [name, loss] : {std::pair{"chip2", 1.125}, std::pair{"gsm8k", 0.5}}) {
    v1::Job::Source* source = job.mutable_progress()->add_sources();
    source->set_source(absl::StrCat("datasets/", name));
    source->set_loss(loss);
  }
  job.mutable_progress()->mutable_sources(1)->set_eval_loss(0.75);
  JobView view;
  view.Apply(Batch({Started(8, 0), StepEvent(1, 8, 4.0)}, job));
  EXPECT_THAT(Frame(view, 6), HasSubstr("\n by source  chip2 1.125  gsm8k 0.5 eval 0.75"));
}

TEST(JobView, FitsTheWidth) {
  JobView view;
  view.Apply(Batch({Started(6570, 0), StepEvent(4210, 6570, 1.041)}, Running("chip2")));
  for (int width : {100, 80, 72, 60}) {
    const auto lines =
        view.Lines(absl::FromUnixSeconds(kStart), absl::UTCTimeZone(), width, Style(Screen{}));
    for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), width) << line;
  }
}

// `list` shows the scheduler's figures; so does `watch`, and its own are by the same rule.
TEST(JobView, ShowsTheSchedulersPaceAndTimeLeft) {
  v1::Job job = Running("x");
  job.mutable_progress()->set_step(2);
  job.mutable_progress()->set_tokens_per_second(12480);
  job.mutable_progress()->set_eta_seconds(3840);
  JobView view;
  view.Apply(Batch({Started(8, 0), StepEvent(1, 8, 2), StepEvent(2, 8, 1)}, job));
  EXPECT_THAT(Frame(view, 0, 125), HasSubstr("ETA 1h04m (17:04)"));
  EXPECT_THAT(Frame(view, 0, 125), HasSubstr("12,480 tok/s"));
  // The events are ahead of the job.
  view.Apply(Batch({StepEvent(3, 8, 1)}, job));
  Pace pace;
  for (int step = 1; step <= 3; ++step) {
    const auto event = StepEvent(step, 8, 1).training().step();
    pace.Add(event.seconds(), event.tokens());
  }
  EXPECT_THAT(
      Frame(view, 0, 125),
      HasSubstr(absl::StrCat("ETA ", HumanDuration(absl::Seconds(pace.SecondsLeft(3, 8))))));
}

TEST(JobView, TheLastEpochIsThatInWhichTheRunEnds) {
  v1::Job job = Running("x");
  job.mutable_spec()->set_epochs(10000);
  JobView view;
  view.Apply(Batch({Started(8, 0), StepEvent(4, 8, 2)}, job));
  EXPECT_THAT(Frame(view, 0, 100), HasSubstr("epoch 1.00/10000  ETA"));
  job.mutable_spec()->set_max_steps(8);
  view.Apply(Batch({}, job));
  EXPECT_THAT(Frame(view, 0, 100), HasSubstr("epoch 1.00/2  ETA"));
}

TEST(JobView, WithoutUnicode) {
  JobView view;
  view.Apply(Batch({Started(4, 0), StepEvent(1, 4, 2), StepEvent(2, 4, 1)}, Running("x")));
  EXPECT_EQ(Frame(view, 3, 60, {.unicode = false}),
            "job/x  RUNNING on gpu-a1\n"
            " step 2/4 ======>------  50.0%  epoch 1.00/2  ETA 1s (16:00)\n"
            " loss 1 @_  lr 9.2e-06  |g| 0.83  2,000 tok/s");
}

TEST(JobView, ARetryGoesBackToItsCheckpoint) {
  JobView view;
  view.Apply(Batch({Started(8, 0), StepEvent(1, 8, 4), StepEvent(2, 8, 3), StepEvent(3, 8, 9)},
                   Running("x")));
  v1::JobEvent started = Started(8, 2), step = StepEvent(3, 8, 2);
  started.set_attempt(2);
  step.set_attempt(2);
  view.Apply(Batch({started, step}, Running("x"), 5, 60));
  EXPECT_THAT(view.losses(), ElementsAre(4, 3, 2));
  EXPECT_THAT(
      view.Lines(absl::FromUnixSeconds(kStart), absl::UTCTimeZone(), 80, Style(Screen{}))[0],
      "job/x  RUNNING on gpu-a1  attempt 2 (resumed @ step 2)");
}

TEST(JobView, KeepsSamplesOfTheLastAttemptAndShowsWarnings) {
  v1::TrainingEvent sample, warning;
  sample.mutable_sample()->set_prompt("Hi");
  sample.mutable_sample()->set_text("Hello");
  warning.mutable_notice()->set_severity(v1::TrainingEvent::Notice::WARNING);
  warning.mutable_notice()->set_text("disk is\nalmost full");
  JobView view;
  view.Apply(Batch({Started(1, 0), TrainingEntry(sample), Started(1, 0), TrainingEntry(sample),
                    TrainingEntry(warning)},
                   Running("x")));
  EXPECT_EQ(view.samples().size(), 1u);
  EXPECT_EQ(Frame(view, 0), "job/x  RUNNING on gpu-a1\n warning: disk is almost full");
}

TEST(JobView, StepsFromElsewhereCannotTakeAllMemory) {
  JobView view;
  view.Apply(Batch({StepEvent(int64_t{1} << 60, 8, 1), StepEvent(-5, 8, 1), StepEvent(0, 0, 1)},
                   Running("x")));
  EXPECT_TRUE(view.losses().empty());
  EXPECT_NE(Frame(view, 0), "");
}

TEST(EventLines, OneLinePerEvent) {
  v1::TrainingEvent sample;
  sample.mutable_sample()->set_step(2);
  sample.mutable_sample()->set_prompt("Name \"three\"");
  sample.mutable_sample()->set_text("a\nb");
  EventLines lines(absl::Seconds(1));
  v1::JobEvent failed = StateEvent(v1::Job::FAILED);
  failed.mutable_state_change()->set_reason("NonFiniteLoss");
  failed.mutable_state_change()->set_message("loss is nan");
  EXPECT_THAT(
      lines.Lines(
          Batch({StateEvent(v1::Job::RUNNING, "workers/a"), Started(2, 0), StepEvent(1, 2, 1.5),
                 StepEvent(2, 2, 1.25), CheckpointEvent("jobs/x/checkpoints/final"),
                 TrainingEntry(sample), failed},
                Running("x"))),
      ElementsAre("2025-11-24T16:00:01Z state=RUNNING worker=a",
                  "2025-11-24T16:00:02Z started device=cpu precision=fp32 parameters=0 "
                  "examples=0 total_steps=2",
                  "2025-11-24T16:00:03Z step=1/2 epoch=1.00 loss=1.5 lr=9.2e-06 grad_norm=0.83 "
                  "tokens_per_second=2000 eta_seconds=0",
                  "2025-11-24T16:00:04Z step=2/2 epoch=2.00 loss=1.25 lr=9.2e-06 grad_norm=0.83 "
                  "tokens_per_second=2000 eta_seconds=0",
                  "2025-11-24T16:00:05Z checkpoint=final",
                  "2025-11-24T16:00:06Z sample step=2 prompt=\"Name \\\"three\\\"\" "
                  "text=\"a\\nb\"",
                  "2025-11-24T16:00:07Z state=FAILED reason=NonFiniteLoss message=\"loss is "
                  "nan\""));
}

TEST(EventLines, AStepOfSeveralSourcesHasTheLossOfEach) {
  v1::JobEvent step = StepEvent(1, 1, 4.0);
  auto* source = step.mutable_training()->mutable_step()->add_sources();
  source->set_source("datasets/chip2");
  source->set_loss(1.041);
  EXPECT_THAT(DescribeEvent(step).detail, HasSubstr(" loss.chip2=1.041"));
}

TEST(EventLines, PassesOverStepsThatCrowdButNotTheLast) {
  EventLines lines(absl::Seconds(10));
  std::vector<v1::JobEvent> events;
  for (int i = 1; i <= 25; ++i) events.push_back(StepEvent(i, 25, 1));
  std::vector<std::string> seen = lines.Lines(Batch(events, Running("x")));
  ASSERT_EQ(seen.size(), 3u) << absl::StrJoin(seen, "\n");
  EXPECT_NE(seen[2].find("step=21/25"), std::string::npos);
  seen = lines.Lines(Batch({StateEvent(v1::Job::SUCCEEDED)}, Running("x"), 26, 26));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_NE(seen[0].find("step=25/25"), std::string::npos);
}

TEST(DescribeEvent, SaysItInWords) {
  v1::JobEvent lost = StateEvent(v1::Job::QUEUED, "workers/a");
  lost.mutable_state_change()->set_reason("WorkerLost");
  EXPECT_EQ(DescribeEvent(lost).kind, "QUEUED");
  EXPECT_EQ(DescribeEvent(lost).detail, "on a, WorkerLost");
  EXPECT_EQ(DescribeEvent(Started(1200, 12)).detail,
            "1,200 steps on cpu in fp32, resumed at step 12");
  EXPECT_EQ(DescribeEvent(v1::JobEvent()).kind, "Unknown");
}

TEST(LiveRegion, DrawsOverWhatItDrew) {
  std::ostringstream out;
  LiveRegion region(out);
  region.Draw({"a", "b"});
  EXPECT_EQ(out.str(), "\x1b[?7la\x1b[K\nb\x1b[K\n\x1b[?7h");
  out.str("");
  region.Draw({"a", "b"});
  EXPECT_EQ(out.str(), "") << "nothing changed";
  region.Draw({"c"});
  EXPECT_EQ(out.str(), "\x1b[2A\r\x1b[?7lc\x1b[K\n\x1b[?7h\x1b[J");
  out.str("");
  region.Keep();
  region.Draw({"d"});
  EXPECT_EQ(out.str(), "\x1b[?7ld\x1b[K\n\x1b[?7h");
}

}  // namespace
}  // namespace tune::client
