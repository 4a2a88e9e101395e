#include "server/engine/report.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/field_errors.h"
#include "base/files.h"
#include "base/sha256.h"
#include "server/core/errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReportTest : public EngineTest {
 protected:
  void SetUp() override {
    PushInputs();
    NewJob request = Request("j");
    request.spec.retries = 1;
    request.spec.keep_checkpoints = 2;
    Submit(request);
    key_ = LeaseFirst().key;
  }
  int64_t Report(int64_t first_seq, const std::vector<TrainingReport>& events) {
    const auto last = engine().reports().ReportEvents(key_, first_seq, events);
    EXPECT_TRUE(last.ok()) << last.status();
    return last.value_or(-1);
  }
  std::vector<std::string> Payloads() {
    std::vector<std::string> payloads;
    for (const JobEvent& event : Events("j")) {
      if (event.kind == JobEvent::Kind::kTraining) payloads.push_back(event.payload);
    }
    return payloads;
  }
  std::vector<std::string> CheckpointIds() {
    std::vector<std::string> ids;
    const auto page = engine().registry().ListCheckpoints("j", {});
    EXPECT_TRUE(page.ok()) << page.status();
    for (const Checkpoint& checkpoint : page->items) ids.push_back(checkpoint.id);
    return ids;
  }
  bool HasBlob(const std::string& content) {
    return Exists(engine().blobs().Path(Sha256Hex(content)));
  }

  LeaseKey key_;
};

TEST_F(ReportTest, TheFirstEventMakesItRunAndProgressIsKept) {
  EXPECT_EQ(Report(1, {Started(10), Step(1), Step(2)}), 3);
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kRunning);
  EXPECT_EQ(job.progress.step, 2);
  EXPECT_EQ(job.progress.total_steps, 10);
  EXPECT_EQ(job.progress.tokens_per_second, 100);
  EXPECT_EQ(job.progress.eta_seconds, 8);
  EXPECT_EQ(job.attempts.at(0).last_step, 2);
  EXPECT_THAT(Payloads(), ElementsAre("started", "step 1", "step 2"));
}

TEST_F(ReportTest, RepeatsHaveNoEffectAndOverlapsApplyTheirRest) {
  Report(1, {Started(10), Step(1)});
  EXPECT_EQ(Report(1, {Started(10), Step(1)}), 2);
  EXPECT_EQ(Report(2, {Step(1), Step(2)}), 3);
  EXPECT_EQ(Report(1, {}), 3);
  EXPECT_THAT(Payloads(), ElementsAre("started", "step 1", "step 2"));
}

TEST_F(ReportTest, AGapAppliesNothingAndTellsWhereToGoOn) {
  Report(1, {Started(10)});
  EXPECT_EQ(Report(3, {Step(2)}), 1);
  EXPECT_THAT(Payloads(), ElementsAre("started"));
  EXPECT_EQ(engine().reports().ReportEvents(key_, 0, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ReportTest, ALossThatIsNotANumberIsKept) {
  TrainingReport step = Step(1);
  step.loss = std::nan("");
  Report(1, {step});
  EXPECT_TRUE(std::isnan(Get("j").progress.loss));
}

TEST_F(ReportTest, WatchersHearOfEveryKindOfNews) {
  int heard = 0;
  const auto news = engine().hub().Subscribe("j", [&] { ++heard; });
  Report(1, {Started(10)});
  EXPECT_EQ(heard, 1);
  ASSERT_TRUE(engine().reports().AppendLogs(key_, 0, "x").ok());
  EXPECT_EQ(heard, 2);
  ASSERT_TRUE(Commit(key_, 1).ok());
  EXPECT_EQ(heard, 3);
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_EQ(heard, 4);
}

TEST_F(ReportTest, LogsGoToTheAttempt) {
  EXPECT_EQ(*engine().reports().AppendLogs(key_, 0, "one\n"), 4);
  EXPECT_EQ(*engine().logs().Read("j", 1, 0, 100), "one\n");
}

TEST_F(ReportTest, TheLogOfACancelledAttemptIsTakenToItsEnd) {
  EXPECT_EQ(*engine().reports().AppendLogs(key_, 0, "one\n"), 4);
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_EQ(*engine().reports().AppendLogs(key_, 4, "two\n"), 8);
  EXPECT_EQ(*engine().logs().Read("j", 1, 0, 100), "one\ntwo\n");
  const LeaseKey earlier = {key_.job_id, key_.epoch - 1};
  EXPECT_TRUE(absl::IsAborted(engine().reports().AppendLogs(earlier, 8, "x").status()));
}

TEST_F(ReportTest, ACheckpointExistsOnceItsBlobsAreThere) {
  Report(1, {Started(10)});
  CheckpointDraft draft;
  draft.step = 5;
  draft.files = {{"a", 1, Sha256Hex("a")}, Upload("b", "bb")};
  draft.files[1].size_bytes = 3;
  const absl::Status status = engine().reports().CommitCheckpoint(key_, draft).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const auto errors = FieldErrorsOf(status);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].field, "files[0]");
  EXPECT_THAT(errors[0].message, HasSubstr("upload it first"));
  EXPECT_THAT(errors[1].message, HasSubstr("2 bytes, not 3"));
  EXPECT_TRUE(CheckpointIds().empty());
}

TEST_F(ReportTest, ACommitIsIdempotentAndPointsTheJobAtIt) {
  Report(1, {Started(10)});
  const Checkpoint checkpoint = *Commit(key_, 5);
  EXPECT_EQ(checkpoint.id, "step-00000005");
  EXPECT_EQ(checkpoint.parent, "models/m");
  EXPECT_EQ(checkpoint.digest, FilesDigest(checkpoint.files));
  EXPECT_EQ(checkpoint.files.at(0).path, "config.json");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Commit(key_, 5)->create_time, checkpoint.create_time);
  EXPECT_EQ(Get("j").latest_checkpoint, "jobs/j/checkpoints/step-00000005");
  EXPECT_EQ(Events("j").back().checkpoint, "jobs/j/checkpoints/step-00000005");
  EXPECT_EQ(engine().registry().GetCheckpoint({"j", "latest"})->id, "step-00000005");
}

TEST_F(ReportTest, OnlyTheNewestAreKeptAndTheirBlobs) {
  Report(1, {Started(10)});
  for (int64_t step : {1, 2, 3}) ASSERT_TRUE(Commit(key_, step).ok());
  ASSERT_TRUE(Commit(key_, 3, /*final=*/true).ok());
  EXPECT_THAT(CheckpointIds(), ElementsAre("final", "step-00000003", "step-00000002"));
  EXPECT_FALSE(HasBlob("weights 1"));
  EXPECT_TRUE(HasBlob("weights 2"));
  EXPECT_TRUE(HasBlob("{}"));  // shared by all
  EXPECT_EQ(engine().registry().GetCheckpoint({"j", "latest"})->id, "final");
}

TEST_F(ReportTest, TheNextAttemptResumesFromTheNewestCheckpoint) {
  Report(1, {Started(10)});
  ASSERT_TRUE(Commit(key_, 5).ok());
  ASSERT_TRUE(Commit(key_, 10, /*final=*/true).ok());
  PassTime(absl::Seconds(30));
  ASSERT_TRUE(Register("w", "i2").ok());
  const Lease lease = *Acquire("w", "", "i2");
  ASSERT_TRUE(lease.resume_from.has_value());
  EXPECT_EQ(lease.resume_from->id, "step-00000005");
  EXPECT_EQ(lease.resume_from->files.size(), 2u);
  key_ = lease.key;
  Report(1, {Started(10, 5)});
  EXPECT_EQ(Get("j").attempts.at(1).resumed_step, 5);
  // The new attempt's result takes the place of the lost one's.
  const Checkpoint result = *Commit(key_, 10, /*final=*/true, "other ");
  EXPECT_EQ(result.parent, "jobs/j/checkpoints/step-00000005");
  EXPECT_EQ(engine().registry().GetCheckpoint({"j", "final"})->digest, result.digest);
  EXPECT_FALSE(HasBlob("weights 10"));
}

TEST_F(ReportTest, SucceededNeedsAFinalCheckpoint) {
  Report(1, {Started(10)});
  EXPECT_EQ(engine().reports().FinishAttempt(key_, {Outcome::kSucceeded}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get("j").state, JobState::kRunning);
  ASSERT_TRUE(Commit(key_, 10, /*final=*/true).ok());
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(engine().reports().FinishAttempt(key_, {Outcome::kSucceeded}).ok());
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.reason, "");
  EXPECT_EQ(job.end_time, clock_.Now());
  EXPECT_EQ(job.attempts.at(0).result, "Succeeded");
  EXPECT_EQ(observer_.finished.at(0), std::make_pair(JobState::kSucceeded, absl::Seconds(5)));
  EXPECT_TRUE(IsStaleEpoch(engine().reports().FinishAttempt(key_, {Outcome::kSucceeded})));
}

TEST_F(ReportTest, ARetryableFailureGoesBackAfterADelay) {
  Report(1, {Started(10)});
  ASSERT_TRUE(engine()
                  .reports()
                  .FinishAttempt(key_, {Outcome::kFailedRetryable, "OutOfMemory", "no memory"})
                  .ok());
  Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.reason, "RetryDelay");
  EXPECT_THAT(job.message, HasSubstr("no memory"));
  EXPECT_EQ(job.attempts.at(0).result, "OutOfMemory");
  EXPECT_FALSE(Acquire("w").has_value());
  int woken = 0;
  const auto waiting = engine().waiters().Add("w", [&] { ++woken; });
  PassTime(absl::Seconds(1));
  EXPECT_EQ(woken, 1);
  const auto lease = Acquire("w");
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(observer_.started.at(1).first, "job");
  ASSERT_TRUE(
      engine()
          .reports()
          .FinishAttempt(lease->key, {Outcome::kFailedRetryable, "OutOfMemory", "no memory"})
          .ok());
  job = Get("j");
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.reason, "OutOfMemory");
  EXPECT_THAT(job.message,
              testing::AllOf(HasSubstr("no memory"), HasSubstr("all 1 retries are used up")));
}

TEST_F(ReportTest, AFinalFailureIsFinal) {
  ASSERT_TRUE(
      engine().reports().FinishAttempt(key_, {Outcome::kFailedFinal, "BadData", "d:2"}).ok());
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.reason, "BadData");
  EXPECT_EQ(job.message, "d:2");
}

TEST_F(ReportTest, TheTimeLimitCountsTheTimeOfAllAttempts) {
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  NewJob request = Request("limited");
  request.spec.time_limit_seconds = 100;
  Submit(request);
  Lease lease = *Acquire("w");
  EXPECT_EQ(lease.time_limit_seconds, 100);
  clock_.Advance(absl::Seconds(1000));  // its inputs are fetched
  ASSERT_TRUE(engine().reports().ReportEvents(lease.key, 1, {Started(10)}).ok());
  clock_.Advance(absl::Seconds(40));
  ASSERT_TRUE(engine().reports().FinishAttempt(lease.key, {Outcome::kFailedRetryable, "X"}).ok());
  clock_.Advance(absl::Seconds(1));
  lease = *Acquire("w");
  EXPECT_EQ(lease.time_limit_seconds, 60);
  ASSERT_TRUE(engine().reports().ReportEvents(lease.key, 1, {Started(10)}).ok());
  clock_.Advance(absl::Seconds(60));
  ASSERT_TRUE(engine().reports().FinishAttempt(lease.key, {Outcome::kFailedRetryable, "X"}).ok());
  EXPECT_EQ(Get("limited").state, JobState::kFailed);
  EXPECT_EQ(Get("limited").reason, "TimeLimit");
}

}  // namespace
}  // namespace tune::server
