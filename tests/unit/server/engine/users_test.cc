#include "server/engine/users.h"

#include <gmock/gmock.h>

#include "base/field_errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::HasSubstr;

class UsersTest : public EngineTest {
 protected:
  NewJob RequestOf(const std::string& user, const std::string& id, int64_t gpus = 0) {
    PushInputs();
    NewJob request = Request(id);
    request.owner = user;
    if (gpus > 0) request.spec.resources = {.device = "cuda", .gpus = gpus};
    return request;
  }
};

TEST_F(UsersTest, AQuotaOfRunningJobsHoldsNobodyElseUp) {
  ASSERT_TRUE(engine().users().SetQuota("ann", {.running_jobs = 1}).ok());
  ASSERT_TRUE(Register("w1").ok());
  ASSERT_TRUE(Register("w2").ok());
  Submit(RequestOf("ann", "a0"));
  Submit(RequestOf("ann", "a1"));
  Submit(RequestOf("bob", "b0"));
  const auto first = Acquire("w1");
  EXPECT_EQ(first->key.job_id, "a0");
  EXPECT_EQ(Get("a1").reason, "QuotaReached");
  EXPECT_THAT(Get("a1").message, HasSubstr("ann may have 1 jobs running at once"));
  const auto second = Acquire("w2");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->key.job_id, "b0");
  ASSERT_TRUE(engine().orders().Cancel({"b0"}).ok());
  EXPECT_FALSE(Acquire("w2").has_value());
  int calls = 0;
  const auto waiter = engine().waiters().Add("w2", [&] { ++calls; });
  ASSERT_TRUE(engine().orders().Cancel({"a0"}).ok());
  EXPECT_EQ(calls, 1) << "the end on another worker frees the quota";
  EXPECT_EQ(Acquire("w2")->key.job_id, "a1");
}

TEST_F(UsersTest, AQuotaOfGpusCountsWhatJobsTake) {
  ASSERT_TRUE(engine().users().SetQuota(kEveryone, {.running_jobs = {}, .gpus = 3}).ok());
  Reopen();
  ASSERT_TRUE(Register("w", "i1", 4).ok());
  Submit(RequestOf("ann", "a0", 2));
  Submit(RequestOf("ann", "a1", 2));
  Submit(RequestOf("ann", "a2", 1));
  EXPECT_EQ(Acquire("w")->key.job_id, "a0");
  EXPECT_EQ(Acquire("w")->key.job_id, "a2") << "two more would be too many";
  EXPECT_FALSE(Acquire("w").has_value());
  ASSERT_TRUE(engine().users().SetQuota("ann", {.running_jobs = {}, .gpus = 8}).ok());
  EXPECT_FALSE(Acquire("w").has_value()) << "the worker has one GPU left";
  EXPECT_EQ(Get("a1").reason, "NoIdleWorker");
}

TEST_F(UsersTest, AQuotaOfQueuedJobsRefusesTheNext) {
  ASSERT_TRUE(
      engine().users().SetQuota("ann", {.running_jobs = {}, .gpus = {}, .queued_jobs = 1}).ok());
  Submit(RequestOf("ann", "a0"));
  const absl::Status refused = engine().submit().CreateJob(RequestOf("ann", "a1")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("ann may have 1 jobs in the queue, and has 1"));
  EXPECT_TRUE(engine().submit().CreateJob(RequestOf("bob", "b0")).ok());
  ASSERT_TRUE(Register("w").ok());
  EXPECT_EQ(Acquire("w")->key.job_id, "a0");
  EXPECT_TRUE(engine().submit().CreateJob(RequestOf("ann", "a1")).ok());
}

TEST_F(UsersTest, AListTellsWhatEachHasMayHaveAndHasUsed) {
  ASSERT_TRUE(engine().users().SetQuota("ann", {.running_jobs = 5}).ok());
  Submit(RequestOf("ann", "a0", 2));
  Submit(RequestOf("bob", "b0"));
  ASSERT_TRUE(Register("w", "i1", 2).ok());
  const auto lease = Acquire("w");
  ASSERT_TRUE(lease.has_value());
  ASSERT_TRUE(engine().reports().ReportEvents(lease->key, 1, {Started(10)}).ok());
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(engine().reports().ReportEvents(lease->key, 2, {Step(1)}).ok());
  const auto users = engine().users().List();
  ASSERT_TRUE(users.ok()) << users.status();
  ASSERT_EQ(users->size(), 2u);
  const UserRecord& ann = users->at(0);
  EXPECT_EQ(ann.id, "ann");
  EXPECT_EQ(ann.holdings, (Holdings{.jobs = 1, .gpus = 2}));
  EXPECT_EQ(ann.quota->running_jobs, 5);
  EXPECT_NEAR(ann.device_seconds, 10, 1e-3) << "two GPUs for five seconds";
  EXPECT_EQ(users->at(1).id, "bob");
  EXPECT_EQ(users->at(1).queued_jobs, 1);
  EXPECT_FALSE(users->at(1).quota.has_value());
  ASSERT_TRUE(engine().users().SetQuota("ann", {}).ok());
  EXPECT_FALSE(engine().users().List()->at(0).quota.has_value());
  EXPECT_EQ(FieldErrorsOf(engine().users().SetQuota("ann", {.running_jobs = -1})).at(0).field,
            "quota.running_jobs");
}

}  // namespace
}  // namespace tune::server
