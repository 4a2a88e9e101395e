#include "recipe/data/row_drawing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "recipe/data/row_choice.h"

namespace tune {
namespace {

Row Turn(const std::string& prompt, const std::string& response) {
  Row row;
  row.messages = {{.role = Role::kUser, .text = prompt},
                  {.role = Role::kAssistant, .text = response}};
  return row;
}

std::vector<Row> Rows(int count) {
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back(Turn(absl::StrCat("q", i, "?"), absl::StrCat("a", i, ".")));
  }
  return rows;
}

RowDrawing Drawing(const std::vector<std::string>& templates, double invert = 0, int64_t seed = 0,
                   double holdout = 0) {
  RunSpec spec;
  spec.templates = templates;
  spec.seed = seed;
  spec.holdout = holdout;
  DatasetSource source;
  source.invert = invert;
  return RowDrawing::Of(spec, source).value();
}

std::vector<std::string> Prompts(const RowDrawing& drawing, const std::vector<Row>& rows) {
  std::vector<std::string> prompts;
  for (const Row& row : rows) prompts.push_back(drawing.Draw(row).messages[0].text);
  return prompts;
}

TEST(RowDrawing, DrawsEveryTemplateAboutAsOften) {
  std::map<char, int> drawn;
  for (const std::string& prompt : Prompts(Drawing({"A {prompt}", "B {prompt}"}), Rows(1000))) {
    ++drawn[prompt[0]];
  }
  // Five standard deviations of a binomial draw.
  EXPECT_NEAR(drawn['A'], 500, 80);
  EXPECT_NEAR(drawn['B'], 500, 80);
}

TEST(RowDrawing, IsTheSameForTheSameSeedAndRow) {
  const auto rows = Rows(100);
  const std::vector<std::string> templates = {"A {prompt}", "B {prompt}"};
  EXPECT_EQ(Prompts(Drawing(templates), rows), Prompts(Drawing(templates), rows));
  EXPECT_NE(Prompts(Drawing(templates, 0, 1), rows), Prompts(Drawing(templates, 0, 2), rows));
}

TEST(RowDrawing, InvertsTheShareThatWasAskedFor) {
  const RowDrawing drawing = Drawing({"Do: {prompt}", "Ask for: {response}"}, 0.2);
  int inverted = 0;
  for (const Row& row : Rows(1000)) {
    const Row drawn = drawing.Draw(row);
    const bool is = absl::StartsWith(drawn.messages[0].text, "Ask for: a");
    inverted += is;
    EXPECT_EQ(drawn.messages[1].text, row.messages[is ? 0 : 1].text);
  }
  EXPECT_NEAR(inverted, 200, 64);
}

TEST(RowDrawing, InvertsWithATextOfItsOwnWhereNoneIsGiven) {
  Row row = Turn("Add", "3");
  row.messages[0].input = "1+2";
  const Row drawn = Drawing({}, 1).Draw(row);
  EXPECT_EQ(drawn.messages[0].text, "Write the prompt that this is a response to:\n\n3");
  EXPECT_EQ(drawn.messages[0].input, "");
  EXPECT_EQ(drawn.messages[1].text, "Add\n\n1+2");
}

TEST(RowDrawing, LeavesOtherRowsAsTheyAre) {
  const RowDrawing drawing = Drawing({"Do: {prompt}"}, 1);
  Row turns = Turn("a", "b");
  turns.messages.push_back({.role = Role::kUser, .text = "c"});
  turns.messages.push_back({.role = Role::kAssistant, .text = "d"});
  Row text = Turn("a", "b");
  text.is_text = true;
  Row unlearned = Turn("a", "b");
  unlearned.messages[1].learned = false;
  for (const Row& row : {turns, text, unlearned}) {
    EXPECT_EQ(ContentHash(drawing.Draw(row)), ContentHash(row));
  }
}

constexpr char kThreeShots[] = "{examples 3}{prompt} {response}\n{/examples}{prompt}";

RowDrawing Offered(RowDrawing drawing, const std::vector<Row>& rows) {
  for (const Row& row : rows) drawing.Offer(row);
  return drawing;
}

TEST(RowDrawing, ShowsOtherRowsWhateverTheirOrder) {
  auto rows = Rows(50);
  const RowDrawing drawing = Offered(Drawing({kThreeShots}), rows);
  EXPECT_TRUE(drawing.shows_examples());
  const auto prompts = Prompts(drawing, rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(std::count(prompts[i].begin(), prompts[i].end(), '\n'), 3);
    EXPECT_FALSE(absl::StrContains(prompts[i], rows[i].messages[1].text)) << "its own answer";
  }
  EXPECT_GT(std::set(prompts.begin(), prompts.end()).size(), 45u);
  auto reversed = rows;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(Prompts(Offered(Drawing({kThreeShots}), reversed), rows), prompts);
}

TEST(RowDrawing, ShowsNoRowThatIsHeldOut) {
  const auto rows = Rows(60);
  const double holdout = 0.5;
  std::string shown;
  for (const std::string& prompt :
       Prompts(Offered(Drawing({kThreeShots}, 0, 0, holdout), rows), rows)) {
    absl::StrAppend(&shown, prompt, "\n");
  }
  for (const Row& row : rows) {
    if (!IsHeldOut(row, holdout)) continue;
    EXPECT_FALSE(absl::StrContains(shown, " " + row.messages[1].text));
  }
}

TEST(RowDrawing, KeepsAFewOfManyRowsToShow) {
  const auto rows = Rows(5000);
  std::set<std::string> shown;
  for (const std::string& prompt : Prompts(
           Offered(Drawing({"{examples 1}{prompt}{response}|{/examples}{prompt}"}), rows), rows)) {
    shown.insert(prompt.substr(0, prompt.find('|')));
  }
  EXPECT_LE(shown.size(), 256u);
  EXPECT_GT(shown.size(), 250u);
}

}  // namespace
}  // namespace tune
