#include "server/rpc/data_check_stream.h"

#include <gtest/gtest.h>

#include "tests/support/virtual_clock.h"

namespace tune::server {
namespace {

class DataCheckNewsTest : public ::testing::Test {
 protected:
  VirtualClock clock_;
  int wakes_ = 0;
  DataCheckNews news_{clock_, [this] { ++wakes_; }};
  v1::CheckJobDataResponse message_;
};

TEST_F(DataCheckNewsTest, TellsAFewTimesASecond) {
  EXPECT_EQ(*news_.Take(message_), Produced::kWait);
  EXPECT_TRUE(news_.Tell({"datasets/d", 1, 9}).ok());
  EXPECT_TRUE(news_.Tell({"datasets/d", 2, 9}).ok());
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(*news_.Take(message_), Produced::kMessage);
  EXPECT_EQ(message_.dataset(), "datasets/d");
  EXPECT_EQ(message_.rows(), 1);
  EXPECT_EQ(message_.total_rows(), 9);
  EXPECT_EQ(*news_.Take(message_), Produced::kWait);
  clock_.Advance(absl::Milliseconds(250));
  EXPECT_TRUE(news_.Tell({"datasets/d", 3, 9}).ok());
  EXPECT_EQ(wakes_, 2);
  EXPECT_EQ(*news_.Take(message_), Produced::kMessage);
  EXPECT_EQ(message_.rows(), 3);
}

TEST_F(DataCheckNewsTest, EndsAsTheCheckDoes) {
  news_.End(absl::OkStatus());
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(*news_.Take(message_), Produced::kEnd);
  news_.End(absl::InvalidArgumentError("no row fits"));
  EXPECT_EQ(news_.Take(message_).status(), absl::InvalidArgumentError("no row fits"));
}

TEST_F(DataCheckNewsTest, TheCheckIsEndedOnceNobodyListens) {
  news_.StopListening();
  EXPECT_TRUE(absl::IsCancelled(news_.Tell({"datasets/d", 1, 9})));
}

}  // namespace
}  // namespace tune::server
