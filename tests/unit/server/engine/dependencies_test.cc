#include "server/engine/dependencies.h"

#include <gmock/gmock.h>

#include "base/field_errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DependenciesTest : public EngineTest {
 protected:
  NewJob After(const std::string& id, const std::vector<std::string>& after,
               AfterOutcome outcome = AfterOutcome::kSuccess) {
    PushInputs();
    NewJob request = Request(id);
    request.after = after;
    request.after_outcome = outcome;
    return request;
  }
  void SubmitAfter(const std::string& id, const std::vector<std::string>& after,
                   AfterOutcome outcome = AfterOutcome::kSuccess) {
    ASSERT_TRUE(engine().submit().CreateJob(After(id, after, outcome)).ok());
  }
  // Worker "w" trains the job that is next to its end.
  void Succeed() {
    const auto lease = Acquire("w");
    ASSERT_TRUE(lease.has_value());
    ASSERT_TRUE(engine().reports().ReportEvents(lease->key, 1, {Started(10)}).ok());
    ASSERT_TRUE(Commit(lease->key, 10, true).ok());
    ASSERT_TRUE(engine().reports().FinishAttempt(lease->key, {Outcome::kSucceeded}).ok());
  }
  void Fail() {
    const auto lease = Acquire("w");
    ASSERT_TRUE(lease.has_value());
    ASSERT_TRUE(
        engine().reports().FinishAttempt(lease->key, {Outcome::kFailedFinal, "BadSpec"}).ok());
  }
};

TEST_F(DependenciesTest, AJobBeginsWhenAllHaveSucceeded) {
  ASSERT_TRUE(Register("w").ok());
  SubmitJob("a");
  SubmitJob("b");
  NewJob request = After("last", {"a", "b"});
  request.spec.priority = 9;
  Submit(request);
  const Job waits = Get("last");
  EXPECT_THAT(waits.waits_for, ElementsAre("a", "b"));
  EXPECT_EQ(waits.reason, "AwaitsJobs");
  EXPECT_THAT(waits.message, HasSubstr("a, b"));
  EXPECT_EQ(Get("a").queue_position, 0) << "it does not stand before those that may begin";
  Succeed();
  EXPECT_THAT(Get("last").waits_for, ElementsAre("b"));
  Reopen();
  ASSERT_TRUE(Register("w").ok());
  EXPECT_THAT(Get("last").waits_for, ElementsAre("b"));
  clock_.Advance(absl::Hours(1));
  Succeed();
  EXPECT_THAT(Get("last").waits_for, IsEmpty());
  EXPECT_EQ(Get("last").queue_time, clock_.Now()) << "from now on it waits for a worker";
  EXPECT_EQ(Acquire("w")->key.job_id, "last");
}

TEST_F(DependenciesTest, AJobEndsWithOneThatFailsAndSoDoThoseAfterIt) {
  ASSERT_TRUE(Register("w").ok());
  SubmitJob("a");
  SubmitAfter("b", {"a"});
  SubmitAfter("c", {"b"});
  ASSERT_TRUE(engine().orders().Pause({"c"}).ok());
  Fail();
  for (const char* id : {"b", "c"}) {
    const Job job = Get(id);
    EXPECT_EQ(job.state, JobState::kCancelled) << id;
    EXPECT_EQ(job.reason, "DependencyFailed") << id;
  }
  EXPECT_THAT(Get("b").message, HasSubstr("jobs/a, which it waited for, has ended as FAILED"));
  EXPECT_EQ(observer_.finished.size(), 3u);
}

TEST_F(DependenciesTest, ALongChainEndsWithItsFirst) {
  SubmitJob("j0");
  for (int i = 1; i <= 2000; ++i) SubmitAfter(absl::StrCat("j", i), {absl::StrCat("j", i - 1)});
  ASSERT_TRUE(engine().orders().Cancel({"j0"}).ok());
  EXPECT_EQ(Get("j2000").state, JobState::kCancelled);
}

TEST_F(DependenciesTest, OneThatIsToldSoBeginsHoweverTheyEnd) {
  ASSERT_TRUE(Register("w").ok());
  SubmitJob("a");
  SubmitAfter("b", {"a"}, AfterOutcome::kAny);
  int calls = 0;
  const auto waiter = engine().waiters().Add("w", [&] { ++calls; });
  ASSERT_TRUE(engine().orders().Cancel({"a"}).ok());
  EXPECT_EQ(calls, 1) << "the worker that waits is called";
  EXPECT_EQ(Acquire("w")->key.job_id, "b");
}

TEST_F(DependenciesTest, NobodyIsCalledForAJobThatMayNotBegin) {
  ASSERT_TRUE(Register("w").ok());
  SubmitJob("a");
  ASSERT_TRUE(engine().orders().Pause({"a"}).ok());
  int calls = 0;
  const auto waiter = engine().waiters().Add("w", [&] { ++calls; });
  SubmitAfter("b", {"a"});
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(Acquire("w").has_value());
}

TEST_F(DependenciesTest, WhatHasSucceededAlreadyIsNotWaitedFor) {
  ASSERT_TRUE(Register("w").ok());
  SubmitJob("a");
  Succeed();
  SubmitAfter("b", {"a"});
  EXPECT_THAT(Get("b").waits_for, IsEmpty());
  EXPECT_THAT(Get("b").after, ElementsAre("a"));
  EXPECT_EQ(Acquire("w")->key.job_id, "b");
}

TEST_F(DependenciesTest, WhatCannotBeWaitedForIsRefusedByField) {
  SubmitJob("over");
  ASSERT_TRUE(engine().orders().Cancel({"over"}).ok());
  SubmitJob("a");
  const auto errors = FieldErrorsOf(
      engine().submit().CreateJob(After("b", {"a", "none", "over", "a", "b"})).status());
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(errors[0].field, "after[1]");
  EXPECT_THAT(errors[1].message, HasSubstr("tunectl retry over"));
  EXPECT_EQ(errors[2].field, "after[3]") << "named twice";
  EXPECT_EQ(errors[3].field, "after[4]") << "a job cannot wait for itself";
  EXPECT_TRUE(engine().submit().CreateJob(After("c", {"over"}, AfterOutcome::kAny)).ok());
  EXPECT_FALSE(engine().submit().CreateJob(After("d", std::vector<std::string>(65, "a"))).ok());
}

TEST_F(DependenciesTest, ARetryWaitsForTheRetryOfWhatFailed) {
  ASSERT_TRUE(Register("w").ok());
  SubmitJob("a");
  SubmitAfter("b", {"a"});
  Fail();
  const absl::Status early = engine().orders().Retry({"b"}).status();
  EXPECT_EQ(early.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(early.message(), HasSubstr("tunectl retry a first"));
  ASSERT_TRUE(engine().orders().Retry({"a"}).ok());
  ASSERT_TRUE(engine().orders().Retry({"b"}).ok());
  EXPECT_THAT(Get("b").waits_for, ElementsAre("a"));
  Succeed();
  EXPECT_EQ(Acquire("w")->key.job_id, "b");
}

TEST_F(DependenciesTest, AWaitIsPartOfTheRequest) {
  SubmitJob("a");
  NewJob request = After("b", {"a"});
  request.request_id = "r";
  Submit(request);
  EXPECT_TRUE(engine().submit().CreateJob(request).ok()) << "a repeat";
  request.after.clear();
  EXPECT_EQ(engine().submit().CreateJob(request).status().code(), absl::StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace tune::server
