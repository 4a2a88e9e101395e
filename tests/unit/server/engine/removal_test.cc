#include "server/engine/removal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RemovalTest : public EngineTest {
 protected:
  // A job that has succeeded, with a resumable checkpoint of step 5 and a log.
  Job Finished(const std::string& id) {
    SubmitJob(id);
    const Lease lease = LeaseFirst();
    EXPECT_TRUE(engine().reports().ReportEvents(lease.key, 1, {Started(10), Step(5)}).ok());
    EXPECT_TRUE(Commit(lease.key, 5, false, id + " state").ok());
    EXPECT_TRUE(Commit(lease.key, 10, true, id + " result").ok());
    EXPECT_TRUE(engine().logs().Append(id, 1, 0, "a line\n").ok());
    EXPECT_TRUE(engine().reports().FinishAttempt(lease.key, {Outcome::kSucceeded, "", ""}).ok());
    return Get(id);
  }
  absl::Status DeleteJob(const std::string& id) { return engine().removal().DeleteJob(id); }
  absl::Status DeleteCheckpoint(const std::string& id, const std::string& checkpoint) {
    return engine().removal().DeleteCheckpoint({id, checkpoint});
  }
  std::vector<std::string> CheckpointsOf(const std::string& id) {
    std::vector<std::string> ids;
    const auto page = engine().registry().ListCheckpoints(id, {});
    for (const Checkpoint& c : page->items) {
      ids.push_back(c.id);
    }
    return ids;
  }
};

TEST_F(RemovalTest, AJobGoesWithAllThatIsItsOwn) {
  const Job job = Finished("j");
  ASSERT_EQ(job.state, JobState::kSucceeded);
  const std::string blob = engine().registry().GetCheckpoint({"j", "final"})->files[0].sha256;
  ASSERT_TRUE(Exists(engine().blobs().Path(blob)));
  ASSERT_TRUE(DeleteJob("j").ok());
  EXPECT_TRUE(absl::IsNotFound(engine().queries().GetJob("j").status()));
  EXPECT_TRUE(absl::IsNotFound(engine().queries().ListEvents("j", 0).status()));
  EXPECT_TRUE(absl::IsNotFound(engine().registry().GetCheckpoint({"j", "final"}).status()));
  EXPECT_EQ(*engine().logs().Read("j", 1, 0, 100), "");
  EXPECT_FALSE(Exists(engine().blobs().Path(blob)));
  EXPECT_TRUE(engine().registry().DeleteDataset("d").ok()) << "nobody uses it any more";
  EXPECT_TRUE(absl::IsNotFound(DeleteJob("j")));
}

TEST_F(RemovalTest, AJobThatIsNotOverStays) {
  SubmitJob("j");
  const absl::Status queued = DeleteJob("j");
  EXPECT_EQ(queued.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(queued.message(), HasSubstr("tunectl cancel j"));
  LeaseFirst();
  EXPECT_EQ(DeleteJob("j").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get("j").state, JobState::kLeased);
}

// The name is free again, but a worker that still believes in its lease must not speak for the
// new job.
TEST_F(RemovalTest, AnotherJobOfTheNameIsFencedOffFromTheFirst) {
  SubmitJob("j");
  const Lease old = LeaseFirst();
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  const int64_t epoch = Get("j").epoch;
  ASSERT_TRUE(DeleteJob("j").ok());
  SubmitJob("j");
  EXPECT_EQ(Get("j").epoch, epoch);
  Reopen();
  ASSERT_TRUE(Register("w").ok());
  const auto lease = Acquire("w");
  ASSERT_TRUE(lease.has_value());
  EXPECT_GT(lease->key.epoch, old.key.epoch);
  EXPECT_FALSE(engine().reports().ReportEvents(old.key, 1, {Started(10)}).ok());
}

TEST_F(RemovalTest, WhatAnotherNamesStays) {
  Finished("a");
  const std::string blob = engine().registry().GetCheckpoint({"a", "final"})->files[0].sha256;
  SubmitJob("b");
  const auto lease = Acquire("w");
  ASSERT_TRUE(lease.has_value());
  ASSERT_TRUE(Commit(lease->key, 10, true, "a result").ok());
  ASSERT_TRUE(DeleteJob("a").ok());
  EXPECT_TRUE(Exists(engine().blobs().Path(blob)));
}

TEST_F(RemovalTest, AResumableCheckpointGoesAlone) {
  Finished("j");
  ASSERT_THAT(CheckpointsOf("j"), testing::SizeIs(2));
  ASSERT_TRUE(DeleteCheckpoint("j", "step-00000005").ok());
  EXPECT_THAT(CheckpointsOf("j"), testing::ElementsAre("final"));
  EXPECT_EQ(Get("j").latest_checkpoint, "");
  EXPECT_TRUE(absl::IsNotFound(DeleteCheckpoint("j", "step-00000005")));
}

TEST_F(RemovalTest, TheResultGoesOnlyWithItsJob) {
  Finished("j");
  const absl::Status status = DeleteCheckpoint("j", "final");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("tunectl delete j"));
}

TEST_F(RemovalTest, ACheckpointOfAJobThatGoesOnStays) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(Commit(lease.key, 5).ok());
  EXPECT_EQ(DeleteCheckpoint("j", "step-00000005").code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tune::server
