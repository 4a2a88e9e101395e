// --help of every command, found by following the lists of subcommands.
#include <gmock/gmock.h>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/text.h"
#include "tunectl_fixture.h"

namespace tune::client {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

class HelpTest : public TunectlTest {
 protected:
  std::string Help(Words command) {
    command.push_back("--help");
    EXPECT_EQ(RunAnywhere(command), 0) << err_;
    return out_;
  }

  // `command` and all below it.
  std::vector<Words> Commands(const Words& command = {}) {
    std::vector<Words> all = {command};
    const std::string help = Help(command);
    const size_t list = help.find("Subcommands:\n");
    if (list == std::string::npos) return all;
    const size_t end = help.find("\n\n", list);
    for (const absl::string_view line : absl::StrSplit(help.substr(list, end - list), '\n')) {
      if (!absl::StartsWith(line, "  ") || absl::StartsWith(line, "   ")) continue;
      Words below = command;
      below.push_back(std::string(line.substr(2, line.find(' ', 2) - 2)));
      for (Words& found : Commands(below)) all.push_back(std::move(found));
    }
    return all;
  }

  void ExpectLinesFit(int width) {
    for (const Words& command : Commands()) {
      for (const absl::string_view line : absl::StrSplit(Help(command), '\n')) {
        EXPECT_LE(DisplayWidth(line), width) << absl::StrJoin(command, " ") << ": " << line;
      }
    }
  }
};

TEST_F(HelpTest, EveryCommandIsFound) {
  EXPECT_THAT(Commands(), Contains(Words{"submit"}));
  EXPECT_THAT(Commands(), Contains(Words{"checkpoints", "pull"}));
}

TEST_F(HelpTest, NoLineIsLongerThan100) { ExpectLinesFit(100); }

TEST_F(HelpTest, NoLineIsLongerThanTheTerminalIsWide) {
  screen_ = {.is_terminal = true, .width = 64};
  ExpectLinesFit(64);
}

TEST_F(HelpTest, AWideTerminalHasLinesOf100) {
  screen_ = {.is_terminal = true, .width = 250};
  ExpectLinesFit(100);
}

TEST_F(HelpTest, WhatGoesOnIsBelowItsColumn) {
  EXPECT_THAT(Help({"submit"}),
              HasSubstr("\n  --max-grad-norm VALUE       Clips the global gradient"
                        " norm; 0: does not (number from 0 to 1e+09;\n"
                        "                              default 1)\n"));
}

}  // namespace
}  // namespace tune::client
