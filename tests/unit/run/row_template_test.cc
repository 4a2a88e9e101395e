#include "run/row_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune {
namespace {

using testing::HasSubstr;

RowTemplate Parsed(const std::string& text) {
  const auto parsed = RowTemplate::Parse(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.value_or(RowTemplate());
}

std::string WhyNot(const std::string& text) {
  return std::string(RowTemplate::Parse(text).status().message());
}

TEST(RowTemplate, PutsThePromptIntoItsText) {
  const RowTemplate zero_shot = Parsed("Solve: {prompt} Now!");
  EXPECT_EQ(zero_shot.examples(), 0);
  EXPECT_FALSE(zero_shot.inverts());
  EXPECT_EQ(zero_shot.Prompt({"1+1?", "2"}, {}), "Solve: 1+1? Now!");
}

TEST(RowTemplate, ShowsOtherRowsWhole) {
  const RowTemplate few_shot =
      Parsed("Sums.\n{examples 2}Q: {prompt} A: {response}\n{/examples}Q: {prompt} A:");
  EXPECT_EQ(few_shot.examples(), 2);
  EXPECT_EQ(few_shot.Prompt({"1+1?", "2"}, {{"2+2?", "4"}, {"3+3?", "6"}, {"9+9?", "18"}}),
            "Sums.\nQ: 2+2? A: 4\nQ: 3+3? A: 6\nQ: 1+1? A:");
  EXPECT_EQ(few_shot.Prompt({"1+1?", "2"}, {}), "Sums.\nQ: 1+1? A:");
}

TEST(RowTemplate, InvertsARowWhereItAsksWithTheResponse) {
  const RowTemplate inverting = Parsed("What has the answer {response}?");
  EXPECT_TRUE(inverting.inverts());
  EXPECT_EQ(inverting.Prompt({"1+1?", "2"}, {}), "What has the answer 2?");
}

TEST(RowTemplate, TextOfARowIsNeverAPlaceholder) {
  EXPECT_EQ(Parsed("{examples 1}{prompt}{response};{/examples}{prompt}")
                .Prompt({"{response}", "x"}, {{"{prompt}", "{examples 9}"}}),
            "{prompt}{examples 9};{response}");
}

TEST(RowTemplate, SaysWhatIsWrong) {
  EXPECT_THAT(WhyNot("oops"), HasSubstr("neither {prompt} nor {response}"));
  EXPECT_THAT(WhyNot("{prompt} {prompt}"), HasSubstr("more than one of"));
  EXPECT_THAT(WhyNot("{prompt} {response}"), HasSubstr("more than one of"));
  EXPECT_THAT(WhyNot("{examples 2}{prompt}{response}"), HasSubstr("without {/examples}"));
  EXPECT_THAT(WhyNot("{examples 2}{prompt}{/examples}{prompt}"), HasSubstr("in it"));
  for (const char* count : {"0", "65", "x", "-1"}) {
    EXPECT_THAT(
        WhyNot(std::string("{examples ") + count + "}{prompt}{response}{/examples}{prompt}"),
        HasSubstr("from 1 to 64"));
  }
  EXPECT_THAT(WhyNot("{prompt} {input}"), HasSubstr("{input}"));
}

}  // namespace
}  // namespace tune
