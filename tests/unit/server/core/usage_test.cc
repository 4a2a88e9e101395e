#include "server/core/usage.h"

#include <gtest/gtest.h>

namespace tune::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(Usage, HalfOfItIsForgottenAfterEachHalfLife) {
  const Usage used = AddUsage({}, 100, kNow);
  EXPECT_DOUBLE_EQ(UsageAt(used, kNow), 100);
  EXPECT_DOUBLE_EQ(UsageAt(used, kNow + kUsageHalfLife), 50);
  EXPECT_DOUBLE_EQ(
      UsageAt(AddUsage(used, 10, kNow + 2 * kUsageHalfLife), kNow + 2 * kUsageHalfLife), 35);
  EXPECT_DOUBLE_EQ(UsageAt({}, kNow), 0);
}

TEST(Usage, AClockThatGoesBackForgetsNothing) {
  const Usage used = AddUsage({}, 100, kNow);
  EXPECT_DOUBLE_EQ(UsageAt(used, kNow - absl::Hours(1)), 100);
  const Usage more = AddUsage(used, 1, kNow - absl::Hours(1));
  EXPECT_DOUBLE_EQ(more.device_seconds, 101);
  EXPECT_EQ(more.time, kNow);
}

TEST(Usage, TheRankOrdersAsTheUsageAtAnyMoment) {
  const Usage old = AddUsage({}, 1000, kNow - 4 * kUsageHalfLife);  // 62.5 now
  const Usage recent = AddUsage({}, 60, kNow);
  EXPECT_LT(UsageRank(recent), UsageRank(old));
  EXPECT_LT(UsageRank(AddUsage(old, 0, kNow)), UsageRank(AddUsage(recent, 3, kNow)));
  EXPECT_LT(UsageRank({}), UsageRank(AddUsage({}, 1e-9, absl::UnixEpoch())));
  EXPECT_EQ(UsageRank({}), UsageRank({}));
}

}  // namespace
}  // namespace tune::server
