// Who is alive under a name, and whose word counts.
#include "server/engine/liveness.h"

#include <gtest/gtest.h>

#include "tests/support/virtual_clock.h"

namespace tune::server {
namespace {

class LivenessTest : public ::testing::Test {
 protected:
  LivenessTest() {
    WorkerRecord worker;
    worker.id = "w";
    worker.incarnation = "now";
    liveness_.Registered(worker);
  }

  VirtualClock clock_;
  Liveness liveness_{clock_, {}};
};

TEST_F(LivenessTest, OnlyTheRegisteredIncarnationTellsItsCondition) {
  liveness_.Renew("w", "before", {}, {7, "no room"});
  EXPECT_EQ(liveness_.Unhealthy("w"), "");
  liveness_.Renew("other", "now", {}, {7, "no room"});
  EXPECT_FALSE(liveness_.IsAlive("other"));
  liveness_.Renew("w", "now", {}, {7, "no room"});
  EXPECT_EQ(liveness_.Unhealthy("w"), "no room");
}

TEST_F(LivenessTest, OnlyTheRegisteredIncarnationLeaves) {
  liveness_.Left("w", "before");
  EXPECT_TRUE(liveness_.IsAlive("w"));
  liveness_.Left("w", "now");
  EXPECT_FALSE(liveness_.IsAlive("w"));
}

}  // namespace
}  // namespace tune::server
