#include "worker/agent/line_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LineTailTest : public ::testing::Test {
 protected:
  std::vector<std::string> Peek(LineTail& tail, size_t max_lines = 100,
                                int64_t max_bytes = 1 << 20) {
    const auto lines = tail.Peek(max_lines, max_bytes);
    EXPECT_TRUE(lines.ok()) << lines.status();
    return lines.value_or(std::vector<std::string>());
  }

  ScratchFolder folder_;
  const std::string path_ = folder_ / "events.jsonl";
};

TEST_F(LineTailTest, AFileThatIsNotThereYetHasNoLines) {
  LineTail tail(path_);
  EXPECT_THAT(Peek(tail), IsEmpty());
  AppendTo(path_, "a\n");
  EXPECT_THAT(Peek(tail), ElementsAre("a"));
}

TEST_F(LineTailTest, ALineWithoutItsEndWaits) {
  LineTail tail(path_);
  AppendTo(path_, "one\ntw");
  EXPECT_THAT(Peek(tail), ElementsAre("one"));
  tail.Consume(1);
  EXPECT_THAT(Peek(tail), IsEmpty());
  AppendTo(path_, "o\n");
  EXPECT_THAT(Peek(tail), ElementsAre("two"));
  EXPECT_EQ(tail.next_line(), 2);
}

TEST_F(LineTailTest, PeekShowsTheSameUntilConsumed) {
  AppendTo(path_, "a\nb\n\nd\n");
  LineTail tail(path_);
  EXPECT_THAT(Peek(tail, 3), ElementsAre("a", "b", ""));
  EXPECT_THAT(Peek(tail), ElementsAre("a", "b", "", "d"));
  tail.Consume(2);
  EXPECT_THAT(Peek(tail), ElementsAre("", "d"));
  EXPECT_EQ(tail.next_line(), 3);
}

TEST_F(LineTailTest, ManyLinesComeInPieces) {
  std::string text;
  for (int i = 1; i <= 5000; ++i) text += "line " + std::to_string(i) + "\n";
  AppendTo(path_, text);
  LineTail tail(path_);
  int64_t expected = 1;
  for (auto lines = Peek(tail, 100, 500); !lines.empty(); lines = Peek(tail, 100, 500)) {
    EXPECT_LE(lines.size(), 70u);
    for (const std::string& line : lines) ASSERT_EQ(line, "line " + std::to_string(expected++));
    tail.Consume(lines.size());
  }
  EXPECT_EQ(expected, 5001);
}

TEST_F(LineTailTest, ALineLongerThanOneReadIsTakenWhole) {
  const std::string line(5000, 'x');
  AppendTo(path_, line + "\nnext\n");
  LineTail tail(path_);
  EXPECT_THAT(Peek(tail, 1, /*max_bytes=*/64), ElementsAre(line));
  tail.Consume(1);
  EXPECT_THAT(Peek(tail), ElementsAre("next"));
}

TEST_F(LineTailTest, ALineThatNoMessageCouldCarryIsAnError) {
  AppendTo(path_, "a\n" + std::string(5 << 20, 'x'));
  LineTail tail(path_);
  EXPECT_THAT(Peek(tail), ElementsAre("a"));
  tail.Consume(1);
  const auto lines = tail.Peek(1);
  EXPECT_TRUE(absl::IsDataLoss(lines.status()));
  EXPECT_NE(lines.status().message().find("line 2 is longer"), std::string::npos) << lines.status();
}

TEST_F(LineTailTest, SeeksBackAndForth) {
  AppendTo(path_, "a\nb\nc\nd\n");
  LineTail tail(path_);
  Peek(tail);
  tail.Consume(4);
  ASSERT_TRUE(tail.SeekLine(2).ok());
  EXPECT_THAT(Peek(tail), ElementsAre("b", "c", "d"));
  ASSERT_TRUE(tail.SeekLine(4).ok());
  EXPECT_THAT(Peek(tail), ElementsAre("d"));
  EXPECT_TRUE(absl::IsOutOfRange(tail.SeekLine(9)));
}

TEST_F(LineTailTest, LastLinesOfALog) {
  EXPECT_EQ(LastLines(path_, 3, 100), "");
  AppendTo(path_, "first\n\nsecond\nthird\nfourth\n");
  EXPECT_EQ(LastLines(path_, 2, 100), "third\nfourth");
  EXPECT_EQ(LastLines(path_, 9, 100), "first\nsecond\nthird\nfourth");
  EXPECT_EQ(LastLines(path_, 9, 12), "fourth") << "a line cut off in its middle is left out";
}

TEST_F(LineTailTest, ReadPieceEndsWithTheFile) {
  AppendTo(path_, "0123456789");
  EXPECT_EQ(*ReadPiece(path_, 4, 3), "456");
  EXPECT_EQ(*ReadPiece(path_, 8, 100), "89");
  EXPECT_EQ(*ReadPiece(path_, 10, 100), "");
}

}  // namespace
}  // namespace tune::worker
