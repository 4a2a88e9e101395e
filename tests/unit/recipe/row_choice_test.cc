#include "recipe/data/row_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tune {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::SizeIs;

Row Turn(const std::string& prompt, const std::string& response) {
  Row row;
  row.messages = {{.role = Role::kUser, .text = prompt},
                  {.role = Role::kAssistant, .text = response}};
  return row;
}

// Its first digits by sha256sum: printf 'turns0:0:0+1:a0:0:1+1:b0:0:' | sha256sum.
TEST(ContentHash, StaysTheSameAcrossVersions) {
  EXPECT_EQ(absl::StrCat(absl::Hex(ContentHash(Turn("a", "b")), absl::kZeroPad16)),
            "092c0cd14bc97ce0");
}

TEST(ContentHash, IsOfTheContentAndNotOfPlaceOrForm) {
  Row row = Turn("a", "b");
  row.form = "instruction";
  row.at.number = 17;
  EXPECT_EQ(ContentHash(row), ContentHash(Turn("a", "b")));
}

TEST(ContentHash, TellsRowsApart) {
  const uint64_t hash = ContentHash(Turn("a", "b"));
  EXPECT_NE(ContentHash(Turn("ab", "")), hash);
  EXPECT_NE(ContentHash(Turn("b", "a")), hash);
  Row row = Turn("a", "b");
  row.system = "s";
  EXPECT_NE(ContentHash(row), hash);
  row = Turn("a", "b");
  row.messages[0].input = "i";
  EXPECT_NE(ContentHash(row), hash);
  row = Turn("a", "b");
  row.messages[1].learned = false;
  EXPECT_NE(ContentHash(row), hash);
  row = Turn("a", "b");
  row.is_text = true;
  EXPECT_NE(ContentHash(row), hash);
}

std::vector<Row> Rows(int count) {
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) rows.push_back(Turn(absl::StrCat(i), "x"));
  return rows;
}

std::vector<uint64_t> Hashes(int count) {
  std::vector<uint64_t> hashes;
  for (const Row& row : Rows(count)) hashes.push_back(ContentHash(row));
  return hashes;
}

TEST(IsHeldOut, TakesTheShareAndKeepsItAtALargerOne) {
  std::vector<uint64_t> few, more;
  for (const Row& row : Rows(10'000)) {
    EXPECT_FALSE(IsHeldOut(row, 0));
    EXPECT_TRUE(IsHeldOut(row, 1));
    if (IsHeldOut(row, 0.02)) few.push_back(ContentHash(row));
    if (IsHeldOut(row, 0.1)) more.push_back(ContentHash(row));
  }
  // Five standard deviations of a binomial draw around 200 and 1000.
  EXPECT_NEAR(static_cast<double>(few.size()), 200, 70);
  EXPECT_NEAR(static_cast<double>(more.size()), 1000, 150);
  EXPECT_THAT(more, IsSupersetOf(few));
}

// The least share at which the row is held out, in thousandths.
int LeastShare(const Row& row) {
  int share = 0;
  while (!IsHeldOut(row, share / 1000.0)) ++share;
  return share;
}

TEST(IsHeldOut, GoesByTheInstructionOfATask) {
  Row instance = Turn("a", "b");
  instance.has_siblings = true;
  Row another = Turn("a", "c");
  another.has_siblings = true;
  another.messages[0].input = "i";
  EXPECT_EQ(LeastShare(another), LeastShare(instance));
}

TEST(IsHeldOut, GoesByTheRootOfATree) {
  Row path = Turn("a", "b");
  path.has_siblings = true;
  Row longer = path;
  longer.messages.push_back({.role = Role::kUser, .text = "c"});
  longer.messages.push_back({.role = Role::kAssistant, .text = "d"});
  Row other = path;
  other.messages[0].text = "another";
  EXPECT_EQ(LeastShare(longer), LeastShare(path));
  EXPECT_NE(LeastShare(other), LeastShare(path));
  path.has_siblings = longer.has_siblings = false;
  EXPECT_NE(LeastShare(longer), LeastShare(path));
}

TEST(DrawnRows, AreOtherRowsForAnotherSeed) {
  const auto hashes = Hashes(100);
  EXPECT_THAT(DrawnRows(hashes, 10, 1), SizeIs(10));
  EXPECT_EQ(DrawnRows(hashes, 10, 1), DrawnRows(hashes, 10, 1));
  EXPECT_NE(DrawnRows(hashes, 10, 1), DrawnRows(hashes, 10, 2));
  EXPECT_THAT(DrawnRows(hashes, 20, 1), IsSupersetOf(DrawnRows(hashes, 10, 1)));
  EXPECT_THAT(DrawnRows({5, 6, 7}, 9, 0), ElementsAre(0, 1, 2));
}

TEST(DrawnRows, AreTheSameInAnotherOrder) {
  auto hashes = Hashes(50);
  std::set<uint64_t> drawn, of_reversed;
  for (const int64_t i : DrawnRows(hashes, 10, 3)) drawn.insert(hashes[i]);
  std::reverse(hashes.begin(), hashes.end());
  for (const int64_t i : DrawnRows(hashes, 10, 3)) of_reversed.insert(hashes[i]);
  EXPECT_EQ(drawn, of_reversed);
}

}  // namespace
}  // namespace tune
