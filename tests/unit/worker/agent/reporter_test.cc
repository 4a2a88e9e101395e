#include "worker/agent/reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fakes.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::ElementsAre;

std::string StepLine(int64_t step) {
  return absl::StrCat("{\"step\":{\"step\":\"", step, "\",\"loss\":", 1.0 / step, "}}\n");
}

class ReporterTest : public ::testing::Test {
 protected:
  void Start() {
    v1::LeaseKey key;
    key.set_job("jobs/j");
    key.set_epoch(3);
    reporter_ = std::make_unique<Reporter>(
        control_, key, folder_.path(), stop_,
        ReportOptions{.poll_interval = absl::Milliseconds(1),
                      .backoff = {absl::Milliseconds(1), absl::Milliseconds(2)}});
  }
  void FinishAndWait() {
    reporter_->Finish();
    ASSERT_TRUE(reporter_->WaitDone(absl::Seconds(20)));
  }
  void Events(const std::string& text) { AppendTo(folder_ / "events.jsonl", text); }
  void Log(const std::string& text) { AppendTo(folder_ / "trainer.log", text); }
  // The steps the scheduler holds, in its order; 0 for other events.
  std::vector<int64_t> Steps() const {
    std::vector<int64_t> steps;
    for (const auto& event : control_.events()) steps.push_back(event.step().step());
    return steps;
  }

  // Of each call that was answered: how many events it carried.
  std::vector<int64_t> CallSizes() const {
    std::vector<int64_t> sizes;
    for (const std::string& entry : control_.journal()) {
      const std::vector<std::string> words = absl::StrSplit(entry, absl::ByAnyChar(" -"));
      int64_t first = 0, last = 0;
      if (words.size() != 3 || words[0] != "ReportEvents") continue;
      EXPECT_TRUE(absl::SimpleAtoi(words[1], &first) && absl::SimpleAtoi(words[2], &last));
      sizes.push_back(last - first + 1);
    }
    return sizes;
  }

  ScratchFolder folder_;
  FakeControlPlane control_;
  StopSignal stop_;
  std::unique_ptr<Reporter> reporter_;
};

TEST_F(ReporterTest, SendsEventsAndLogAsTheyGrow) {
  Start();
  Events(StepLine(1));
  ASSERT_TRUE(control_.Await([](const auto& control) { return control.events().size() == 1; }));
  Events(StepLine(2) + "{\"step\":{\"st");
  Log("hello ");
  ASSERT_TRUE(control_.Await([](const auto& control) {
    return control.events().size() == 2 && control.log() == "hello ";
  }));
  Events("ep\":\"3\"}}\n");
  Log("world\n");
  FinishAndWait();
  EXPECT_THAT(Steps(), ElementsAre(1, 2, 3));
  EXPECT_EQ(control_.log(), "hello world\n");
  EXPECT_TRUE(reporter_->status().ok());
  EXPECT_EQ(stop_.cause(), StopCause::kNone);
}

TEST_F(ReporterTest, SendsManyEventsInBoundedCalls) {
  std::string text;
  for (int64_t step = 1; step <= 1700; ++step) text += StepLine(step);
  Events(text);
  Start();
  FinishAndWait();
  const auto steps = Steps();
  ASSERT_EQ(steps.size(), 1700u);
  for (size_t i = 0; i < steps.size(); ++i) ASSERT_EQ(steps[i], static_cast<int64_t>(i) + 1);
  EXPECT_THAT(CallSizes(), ::testing::Each(::testing::Le(500)));
  EXPECT_THAT(CallSizes(), ::testing::Contains(500));
}

TEST_F(ReporterTest, SendsLessAtOnceWhereALinkCarriesNoMoreInTime) {
  std::string text;
  for (int64_t step = 1; step <= 1000; ++step) text += StepLine(step);
  Events(text);
  std::atomic<int> late = 0;
  control_.SetFault([&](const std::string& method) {
    return method == "ReportEvents" && ++late <= 3 ? absl::DeadlineExceededError("late")
                                                   : absl::OkStatus();
  });
  Start();
  FinishAndWait();
  EXPECT_EQ(Steps().size(), 1000u);
  EXPECT_LE(CallSizes().front() * StepLine(1).size(), 1024u) << "an eighth of 8 KiB";
}

TEST_F(ReporterTest, SendsABigLogInPiecesOfAtMostOneMebibyte) {
  const std::string log(5 << 19, 'x');
  Log(log);
  Start();
  FinishAndWait();
  EXPECT_EQ(control_.log(), log);
  EXPECT_EQ(control_.Count("AppendLogs"), 9) << "8 KiB, doubled to 1 MiB";
}

TEST_F(ReporterTest, ALineThatIsNoEventKeepsItsPlace) {
  Events(StepLine(1) + "garbage\n" + "{}\n" + StepLine(4));
  Start();
  FinishAndWait();
  EXPECT_THAT(Steps(), ElementsAre(1, 0, 0, 4));
  EXPECT_THAT(control_.events()[1].notice().text(),
              ::testing::HasSubstr("events.jsonl:2: not an event"));
  EXPECT_EQ(control_.events()[1].notice().severity(), v1::TrainingEvent::Notice::WARNING);
}

TEST_F(ReporterTest, SendsAgainWhatTheSchedulerLost) {
  Start();
  Events(StepLine(1) + StepLine(2) + StepLine(3));
  ASSERT_TRUE(control_.Await([](const auto& control) { return control.events().size() == 3; }));
  control_.ForgetEventsAfter(1);
  Events(StepLine(4));
  FinishAndWait();
  EXPECT_THAT(Steps(), ElementsAre(1, 2, 3, 4));
}

TEST_F(ReporterTest, WaitsWhileTheSchedulerIsAwayAndThenSendsEverythingOnce) {
  std::atomic<int> calls = 0;
  control_.SetFault([&](const std::string& method) {
    if (method == "ReportEvents" && ++calls <= 4) return absl::UnavailableError("away");
    return absl::OkStatus();
  });
  Start();
  Events(StepLine(1));
  ASSERT_TRUE(control_.Await(
      [](const auto& control) { return control.Count("ReportEvents failed") >= 2; }));
  Events(StepLine(2));
  FinishAndWait();
  EXPECT_THAT(Steps(), ElementsAre(1, 2));
  EXPECT_EQ(stop_.cause(), StopCause::kNone);
}

TEST_F(ReporterTest, AStaleLeaseStopsTheAttempt) {
  control_.EndLease();
  Start();
  Events(StepLine(1));
  EXPECT_EQ(stop_.WaitForChange(StopCause::kNone, absl::Seconds(20)), StopCause::kLeaseEnded);
  FinishAndWait();
}

TEST_F(ReporterTest, TheLogIsSentToItsEndThoughTheLeaseHasEnded) {
  Start();
  Log("step 1\n");
  ASSERT_TRUE(control_.Await([](const auto& control) { return control.log() == "step 1\n"; }));
  control_.EndLease();
  Events(StepLine(1));
  ASSERT_EQ(stop_.WaitForChange(StopCause::kNone, absl::Seconds(20)), StopCause::kLeaseEnded);
  Log("ends by SIGTERM\n");
  FinishAndWait();
  EXPECT_EQ(control_.log(), "step 1\nends by SIGTERM\n");
}

TEST_F(ReporterTest, ARefusalStopsTheAttempt) {
  control_.SetFault([](const std::string& method) {
    return method == "ReportEvents" ? absl::InvalidArgumentError("first_seq: must be above 0")
                                    : absl::OkStatus();
  });
  Start();
  Events(StepLine(1));
  ASSERT_TRUE(reporter_->WaitDone(absl::Seconds(20)));
  EXPECT_EQ(stop_.cause(), StopCause::kReporting);
  EXPECT_TRUE(absl::IsInvalidArgument(reporter_->status()));
}

TEST_F(ReporterTest, ARefusedLogDoesNotEndTheRun) {
  control_.SetFault([](const std::string& method) {
    return method == "AppendLogs" ? absl::OutOfRangeError("the log is full") : absl::OkStatus();
  });
  Log("text");
  Events(StepLine(1));
  Start();
  FinishAndWait();
  EXPECT_THAT(Steps(), ElementsAre(1));
  EXPECT_EQ(stop_.cause(), StopCause::kNone);
}

TEST_F(ReporterTest, AbortEndsTheWaitForAScheduler) {
  control_.SetFault([](const std::string&) { return absl::UnavailableError("away"); });
  Start();
  Events(StepLine(1));
  reporter_->Finish();
  ASSERT_TRUE(control_.Await(
      [](const auto& control) { return control.Count("ReportEvents failed") >= 3; }));
  reporter_->Abort();
  EXPECT_TRUE(reporter_->WaitDone(absl::Seconds(20)));
  EXPECT_EQ(stop_.cause(), StopCause::kNone);
}

}  // namespace
}  // namespace tune::worker
