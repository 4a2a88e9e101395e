#include "recipe/tokenizer/word_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tune {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Words(absl::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t bytes = FirstWord(text);
    words.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return words;
}

TEST(WordSplitTest, LettersNumbersAndOthersApart) {
  EXPECT_THAT(Words("Hello world123!?"), ElementsAre("Hello", " world", "123", "!?"));
  EXPECT_THAT(Words("a 1 !"), ElementsAre("a", " 1", " !"));
  EXPECT_THAT(Words("naïve ½x"), ElementsAre("naïve", " ½", "x"));
}

TEST(WordSplitTest, ContractionsInLowerCaseOnly) {
  EXPECT_THAT(Words("it's we'll'd"), ElementsAre("it", "'s", " we", "'ll", "'d"));
  EXPECT_THAT(Words("IT'S"), ElementsAre("IT", "'", "S"));
  EXPECT_THAT(Words("'l 'r"), ElementsAre("'", "l", " '", "r"));
  EXPECT_THAT(Words("'street"), ElementsAre("'s", "treet"));
  EXPECT_THAT(Words("a''s"), ElementsAre("a", "''", "s"));
}

TEST(WordSplitTest, TheLastSpaceGoesWithTheWord) {
  EXPECT_THAT(Words("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(Words("a\n\nb"), ElementsAre("a", "\n", "\n", "b"));
  EXPECT_THAT(Words("a \n b"), ElementsAre("a", " \n", " b"));
  EXPECT_THAT(Words("a\u00A0\u3000b"), ElementsAre("a", "\u00A0", "\u3000", "b"));
}

TEST(WordSplitTest, SpaceAtTheEndStaysWhole) {
  EXPECT_THAT(Words("a  \n"), ElementsAre("a", "  \n"));
  EXPECT_THAT(Words(" "), ElementsAre(" "));
}

TEST(WordSplitTest, MarksAndControlsAreOthers) {
  EXPECT_THAT(Words("e\u0301a"), ElementsAre("e", "\u0301", "a"));
  EXPECT_THAT(Words(std::string("a\0b", 3)), ElementsAre("a", std::string(1, '\0'), "b"));
  // White space in Unicode 6, no longer since.
  EXPECT_THAT(Words("a\u180Eb"), ElementsAre("a", "\u180E", "b"));
}

}  // namespace
}  // namespace tune
