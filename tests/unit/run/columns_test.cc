#include "run/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  return std::string(ParseColumns(text).status().message());
}

TEST(ColumnsTest, AreReadAndWritten) {
  const Columns columns = {{"prompt", "user"}, {"response", "chip2"}};
  EXPECT_EQ(ParseColumns("prompt=user, response=chip2").value(), columns);
  EXPECT_EQ(ColumnsText(columns), "prompt=user,response=chip2");
  FieldErrors errors;
  EXPECT_EQ(ColumnsFromJson(ColumnsToJson(columns), "columns", &errors), columns);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(ParseColumns("text=t,user_marker=Q=:,bot_marker=A:")->at("user_marker"), "Q=:");
}

TEST(ColumnsTest, NamesWhatIsWrong) {
  EXPECT_THAT(ErrorOf("promt=a,response=b"),
              HasSubstr("columns.promt: unknown field; did you mean \"prompt\"?"));
  EXPECT_THAT(ErrorOf("prompt=a"), HasSubstr("must have exactly one of response, messages and "
                                             "text, has none"));
  EXPECT_THAT(ErrorOf("response=a"), HasSubstr("columns.prompt: is needed with response"));
  EXPECT_THAT(ErrorOf("text=a,response=b"), HasSubstr("has response and text"));
  EXPECT_THAT(ErrorOf("text=a,system=b"), HasSubstr("columns.system: does not go with text"));
  EXPECT_THAT(ErrorOf("prompt=a,prompt=b,response=c"), HasSubstr("is given twice"));
  EXPECT_THAT(ErrorOf("prompt=,response=c"), HasSubstr("must name a key"));
  EXPECT_THAT(ErrorOf("text=a,user_marker=Q:"),
              HasSubstr("bot_marker: is needed with user_marker"));
}

}  // namespace
}  // namespace tune
