#include "server/core/bench.h"

#include <gtest/gtest.h>

namespace tune::server {
namespace {

constexpr absl::Duration kNow = absl::Hours(5);

TEST(Bench, AWorkerAtFaultIsBenchedTwiceAsLongEachTime) {
  Bench bench;
  EXPECT_FALSE(bench.Find("w", kNow).has_value());
  EXPECT_EQ(bench.WorkerFailed("w", "no room", kNow), kNow + absl::Seconds(30));
  EXPECT_EQ(bench.Find("w", kNow)->reason, "no room");
  EXPECT_TRUE(bench.Find("w", kNow + absl::Seconds(29)).has_value());
  EXPECT_FALSE(bench.Find("w", kNow + absl::Seconds(30)).has_value());
  EXPECT_EQ(bench.WorkerFailed("w", "no room", kNow), kNow + absl::Minutes(1));
  for (int i = 0; i < 20; ++i) bench.WorkerFailed("w", "no room", kNow);
  EXPECT_EQ(bench.WorkerFailed("w", "no room", kNow), kNow + absl::Hours(1));
  EXPECT_FALSE(bench.Find("other", kNow).has_value());
}

TEST(Bench, TwoJobsInARowThatFailThereBenchIt) {
  Bench bench;
  EXPECT_FALSE(bench.JobFailed("w", "a", "crash", kNow));
  EXPECT_FALSE(bench.JobFailed("w", "a", "crash", kNow));
  EXPECT_FALSE(bench.Find("w", kNow).has_value());
  EXPECT_TRUE(bench.JobFailed("w", "b", "crash", kNow));
  EXPECT_TRUE(bench.Find("w", kNow).has_value());
}

TEST(Bench, WhatGoesWellThereClearsIt) {
  Bench bench;
  bench.WorkerFailed("w", "no room", kNow);
  bench.WentWell("w");
  EXPECT_FALSE(bench.Find("w", kNow).has_value());
  EXPECT_EQ(bench.WorkerFailed("w", "no room", kNow), kNow + absl::Seconds(30));
  EXPECT_FALSE(bench.JobFailed("v", "a", "crash", kNow));
  bench.WentWell("v");
  EXPECT_FALSE(bench.JobFailed("v", "b", "crash", kNow));
}

}  // namespace
}  // namespace tune::server
