#include "server/engine/preemptor.h"

#include <gmock/gmock.h>

#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PreemptorTest : public EngineTest {
 protected:
  void SubmitWith(const std::string& id, int64_t priority) {
    PushInputs();
    NewJob request = Request(id);
    request.spec.priority = priority;
    Submit(request);
  }
  std::vector<LeaseKey> Yielding(const Lease& lease) {
    return engine().leases().Yielding({lease.key});
  }
  absl::Status LetGo(const Lease& lease) {
    return engine().reports().FinishAttempt(lease.key, {Outcome::kFailedRetryable, "Yielded", ""});
  }
};

TEST_F(PreemptorTest, AJobMakesWayAtNoCostAndGoesOnWhenTheOtherIsOver) {
  SubmitWith("low", 0);
  SubmitWith("later", 0);
  const Lease low = LeaseFirst();
  ASSERT_TRUE(engine().preemptor().Tick().ok());
  EXPECT_THAT(Yielding(low), IsEmpty()) << "an equal waits its turn";
  SubmitWith("high", 5);
  ASSERT_TRUE(engine().preemptor().Tick().ok());
  EXPECT_THAT(Yielding(low), ElementsAre(low.key));
  EXPECT_EQ(Get("low").reason, "Preempted");
  EXPECT_THAT(Get("low").message, HasSubstr("jobs/high of priority 5"));
  const size_t events = Events("low").size();
  ASSERT_TRUE(engine().preemptor().Tick().ok());
  EXPECT_EQ(Events("low").size(), events) << "it is asked once";
  Reopen();
  ASSERT_TRUE(Commit(low.key, 7).ok());
  ASSERT_TRUE(LetGo(low).ok());
  const Job job = Get("low");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.budget, Budget());
  EXPECT_EQ(job.attempts[0].result, "Preempted");
  ASSERT_TRUE(Register("w").ok());
  const auto high = Acquire("w");
  EXPECT_EQ(high->key.job_id, "high");
  ASSERT_TRUE(engine().orders().Cancel({"high"}).ok());
  const auto again = Acquire("w");
  EXPECT_EQ(again->key.job_id, "low") << "at its old place";
  EXPECT_EQ(again->resume_from->step, 7);
}

TEST_F(PreemptorTest, TheOneWithTheNewestCheckpointMakesWay) {
  SubmitWith("a", 0);
  SubmitWith("b", 0);
  std::vector<Lease> leases;
  for (const char* worker : {"w1", "w2"}) {
    ASSERT_TRUE(Register(worker).ok());
    leases.push_back(*Acquire(worker));
    ASSERT_TRUE(engine().reports().ReportEvents(leases.back().key, 1, {Started(10), Step(8)}).ok());
  }
  ASSERT_TRUE(Commit(leases[0].key, 1).ok());
  ASSERT_TRUE(Commit(leases[1].key, 8).ok());
  SubmitWith("high", 1);
  ASSERT_TRUE(engine().preemptor().Tick().ok());
  EXPECT_THAT(Yielding(leases[0]), IsEmpty());
  EXPECT_THAT(Yielding(leases[1]), ElementsAre(leases[1].key));
}

TEST_F(PreemptorTest, AJobThatIsPausedMeanwhileIsPausedInstead) {
  SubmitWith("low", 0);
  const Lease low = LeaseFirst();
  SubmitWith("high", 5);
  ASSERT_TRUE(engine().preemptor().Tick().ok());
  ASSERT_TRUE(engine().orders().Pause({"low"}).ok());
  ASSERT_TRUE(LetGo(low).ok());
  EXPECT_EQ(Get("low").state, JobState::kPaused);
}

}  // namespace
}  // namespace tune::server
