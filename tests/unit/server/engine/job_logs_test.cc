#include "server/engine/job_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class JobLogsTest : public ::testing::Test {
 protected:
  JobLogsTest() { logs_ = std::make_unique<JobLogs>(folder_.path(), 100); }

  std::string Text() { return *logs_->Read("j", 1, 0, 1000); }

  ScratchFolder folder_{ScratchFolder::Where::kMemory};
  std::unique_ptr<JobLogs> logs_;
};

TEST_F(JobLogsTest, PiecesFollowOneAnother) {
  EXPECT_EQ(Text(), "");
  EXPECT_EQ(*logs_->Append("j", 1, 0, "one\n"), 4);
  EXPECT_EQ(*logs_->Append("j", 1, 4, "two\n"), 8);
  EXPECT_EQ(Text(), "one\ntwo\n");
  EXPECT_EQ(*logs_->Read("j", 1, 4, 2), "tw");
  EXPECT_EQ(*logs_->Read("j", 1, 8, 2), "");
  EXPECT_EQ(*logs_->Read("j", 2, 0, 2), "");
}

TEST_F(JobLogsTest, RepeatsAndOverlapsAddOnlyWhatIsNew) {
  ASSERT_TRUE(logs_->Append("j", 1, 0, "abc").ok());
  EXPECT_EQ(*logs_->Append("j", 1, 0, "abc"), 3);
  EXPECT_EQ(*logs_->Append("j", 1, 1, "bcde"), 5);
  EXPECT_EQ(Text(), "abcde");
}

TEST_F(JobLogsTest, AGapAddsNothing) {
  ASSERT_TRUE(logs_->Append("j", 1, 0, "abc").ok());
  EXPECT_EQ(*logs_->Append("j", 1, 4, "e"), 3);
  EXPECT_EQ(*logs_->Append("j", 1, -1, "e"), 3);
  EXPECT_EQ(Text(), "abc");
}

TEST_F(JobLogsTest, AFullLogSaysSoOnceAndTheWorkerGoesOn) {
  const std::string piece(60, 'x');
  ASSERT_TRUE(logs_->Append("j", 1, 0, piece).ok());
  EXPECT_EQ(*logs_->Append("j", 1, 60, piece), 120);
  const std::string text = Text();
  EXPECT_THAT(text, StartsWith(std::string(100, 'x') + "\n[cut here"));
  EXPECT_EQ(*logs_->Append("j", 1, 120, piece), 180);
  EXPECT_EQ(Text(), text);
  EXPECT_THAT(text, HasSubstr("100 bytes"));
}

TEST_F(JobLogsTest, TheTailBeginsSomeLinesBeforeTheEnd) {
  EXPECT_EQ(*logs_->TailOffset("j", 1, 2), 0);
  ASSERT_TRUE(logs_->Append("j", 1, 0, "a\nbb\nccc\n").ok());
  EXPECT_EQ(*logs_->TailOffset("j", 1, 1), 5);
  EXPECT_EQ(*logs_->TailOffset("j", 1, 2), 2);
  EXPECT_EQ(*logs_->TailOffset("j", 1, 3), 0);
  EXPECT_EQ(*logs_->TailOffset("j", 1, 0), 0);
  ASSERT_TRUE(logs_->Append("j", 1, 9, "dd").ok());
  EXPECT_EQ(*logs_->TailOffset("j", 1, 1), 9);
}

TEST_F(JobLogsTest, TheTailOfALongLogIsFoundBlockByBlock) {
  JobLogs logs(folder_.path());
  const std::string line = std::string(999, 'x') + "\n";
  std::string text;
  for (int i = 0; i < 200; ++i) text += line;
  ASSERT_TRUE(logs.Append("long", 1, 0, text).ok());
  EXPECT_EQ(*logs.TailOffset("long", 1, 150), 50 * 1000);
}

}  // namespace
}  // namespace tune::server
