#include "server/engine/waiters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WaitersTest : public ::testing::Test {
 protected:
  void Wait(const std::string& id) {
    waiting_[id] = waiters_.Add(id, [this, id] { called_.push_back(id); });
  }
  void CallAnyone() {
    waiters_.CallFor([](const std::string&) { return true; });
  }
  std::vector<std::string> Called() { return std::exchange(called_, {}); }

  std::vector<std::string> called_;
  Waiters waiters_;
  std::map<std::string, std::unique_ptr<Waiter>> waiting_;
};

TEST_F(WaitersTest, AJobCallsOneThatCouldTakeIt) {
  for (const char* id : {"c", "a", "b"}) Wait(id);
  waiters_.CallFor([](const std::string& id) { return id != "c"; });
  EXPECT_THAT(Called(), ElementsAre("a"));
  waiters_.CallFor([](const std::string& id) { return id == "nobody"; });
  EXPECT_THAT(Called(), IsEmpty());
}

TEST_F(WaitersTest, AsManyAreCalledAsThereAreJobs) {
  for (const char* id : {"a", "b"}) Wait(id);
  CallAnyone();
  CallAnyone();
  CallAnyone();  // nobody is left
  EXPECT_THAT(Called(), ElementsAre("a", "b"));
}

TEST_F(WaitersTest, OneThatLooksMayBeCalledAgain) {
  Wait("a");
  CallAnyone();
  waiting_["a"]->Looks();
  CallAnyone();  // the job comes while it looks: it may have missed it
  waiting_["a"]->FoundNothing();
  EXPECT_THAT(Called(), ElementsAre("a", "a"));
}

TEST_F(WaitersTest, ACallThatFindsNothingGoesToTheNext) {
  for (const char* id : {"a", "b", "c"}) Wait(id);
  CallAnyone();
  for (const char* id : {"a", "b", "c"}) {
    waiting_[id]->Looks();
    waiting_[id]->FoundNothing();
  }
  EXPECT_THAT(Called(), ElementsAre("a", "b", "c")) << "and round no further";
}

TEST_F(WaitersTest, ACallOfOneThatEndsGoesToTheNext) {
  for (const char* id : {"a", "b", "c"}) Wait(id);
  CallAnyone();
  waiting_.erase("a");  // before it has looked
  EXPECT_THAT(Called(), ElementsAre("a", "b"));
  waiting_["b"]->Looks();
  waiting_.erase("b");  // while it looks
  EXPECT_THAT(Called(), ElementsAre("c"));
}

TEST_F(WaitersTest, OneThatTakesAJobPassesOnOnlyWhatCameSince) {
  for (const char* id : {"a", "b"}) Wait(id);
  CallAnyone();
  waiting_["a"]->Looks();
  waiting_["a"]->TookJob();
  waiting_.erase("a");
  EXPECT_THAT(Called(), ElementsAre("a"));

  CallAnyone();
  Wait("c");
  waiting_["b"]->Looks();
  CallAnyone();  // a second job, while it takes the first
  waiting_["b"]->TookJob();
  waiting_.erase("b");
  EXPECT_THAT(Called(), ElementsAre("b", "b", "c"));
}

TEST_F(WaitersTest, WakesOneOrAll) {
  for (const char* id : {"a", "b"}) Wait(id);
  waiters_.Wake("b");
  EXPECT_THAT(Called(), ElementsAre("b"));
  waiters_.WakeAll();
  EXPECT_THAT(Called(), ElementsAre("a", "b"));
  EXPECT_EQ(waiters_.size(), 2u);
}

}  // namespace
}  // namespace tune::server
