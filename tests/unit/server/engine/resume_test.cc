// Where the next attempt goes on when a checkpoint is not what it was.
#include "server/engine/resume.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "base/sha256.h"
#include "run/reason.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

class ResumeTest : public EngineTest {
 protected:
  // A job with resumable checkpoints of steps 1 and 2, whose attempt runs.
  void SetUp() override {
    SubmitJob("j");
    key_ = LeaseFirst().key;
    EXPECT_TRUE(engine().reports().ReportEvents(key_, 1, {Started(10)}).ok());
    for (const int64_t step : {1, 2}) EXPECT_TRUE(Commit(key_, step).ok());
  }
  void Fail(absl::string_view reason) {
    EXPECT_TRUE(engine()
                    .reports()
                    .FinishAttempt(key_, {Outcome::kFailedRetryable, std::string(reason), ""})
                    .ok());
  }
  // The checkpoint that the next attempt goes on from; "" for the model.
  std::string Next() {
    PassTime(absl::Seconds(31));
    EXPECT_TRUE(Register("w").ok());
    const auto lease = Acquire("w");
    EXPECT_TRUE(lease.has_value());
    if (!lease) return "none";
    key_ = lease->key;
    return lease->resume_from ? lease->resume_from->id : "";
  }
  // As when reading it has found that its content is wrong.
  void Damage(const std::string& content) {
    const std::string sha256 = Sha256Hex(content);
    const std::string path = engine().blobs().Path(sha256);
    ASSERT_TRUE(WriteFileDurably(path, std::string(content.size(), 'x')).ok());
    EXPECT_FALSE(engine().blobs().Verify(sha256).ok());
  }

  LeaseKey key_;
};

TEST_F(ResumeTest, TheNewestOneServes) {
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "step-00000002");
}

TEST_F(ResumeTest, AnOlderOneServesWhileABlobOfTheNewestIsDamaged) {
  Damage("weights 2");
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "step-00000001");
  EXPECT_EQ(Get("j").attempts.back().resumed_from, "jobs/j/checkpoints/step-00000001");
  Upload("model.safetensors", "weights 2");
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "step-00000002") << "the content came again";
}

TEST_F(ResumeTest, TheModelServesWhereNoneIsWhole) {
  Damage("weights 1");
  Damage("weights 2");
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "");
  EXPECT_THAT(Get("j").message, testing::HasSubstr("it begins anew: none of its checkpoints is"));
}

TEST_F(ResumeTest, WhatWasReachedStaysUntilANewBeginningHasComeAsFar) {
  for (const int64_t step : {20, 30}) EXPECT_TRUE(Commit(key_, step).ok());
  for (const char* content : {"weights 1", "weights 2", "weights 20", "weights 30"}) {
    Damage(content);
  }
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "");
  for (const int64_t step : {4, 5, 6, 7}) EXPECT_TRUE(Commit(key_, step, false, "anew").ok());
  EXPECT_TRUE(engine().registry().GetCheckpoint({"j", "step-00000030"}).ok());
  EXPECT_TRUE(Commit(key_, 31, false, "anew").ok());
  EXPECT_FALSE(engine().registry().GetCheckpoint({"j", "step-00000030"}).ok());
}

TEST_F(ResumeTest, ABadCheckpointIsNotTriedAgain) {
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "step-00000002");
  Fail(kBadCheckpoint);
  EXPECT_EQ(Next(), "step-00000001");
  Fail(kBadCheckpoint);
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(Get("j").budget.retries_used, 0);
  EXPECT_TRUE(engine().reports().ReportEvents(key_, 1, {Started(10)}).ok());
  EXPECT_TRUE(Commit(key_, 1, /*final=*/false, "better ").ok());
  Fail(kWorkerDraining);
  EXPECT_EQ(Next(), "step-00000001") << "made anew";
}

}  // namespace
}  // namespace tune::server
