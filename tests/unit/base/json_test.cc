#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tune {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view text) {
  return std::string(ParseJson(text).status().message());
}

TEST(ParseJson, KeepsTheOrderOfKeys) {
  EXPECT_EQ(DumpJson(*ParseJson(R"({"b":1,"a":[true,null]})")), R"({"b":1,"a":[true,null]})");
}

TEST(ParseJson, NamesLineAndColumnOfAnError) {
  const auto json = ParseJson("{\"a\": 1,\n  \"b\": }");
  ASSERT_FALSE(json.ok());
  EXPECT_NE(json.status().message().find("line 2, column 8"), std::string::npos) << json.status();
}

TEST(ParseJson, RefusesAKeyThatComesTwice) {
  EXPECT_FALSE(ParseJson(R"({"a":1,"b":{"a":2},"a":3})").ok());
  EXPECT_TRUE(ParseJson(R"({"a":1,"b":{"a":2}})").ok());
  EXPECT_EQ(ErrorOf("{\"a\": 1,\n \"a\": 2}"),
            "line 2, column 4: key \"a\" comes twice in one object");
}

TEST(ParseJson, ValuesOfEveryTypeReadBack) {
  const std::string text =
      R"([{},[],"","\n",-1,18446744073709551615,0.5,true,false,null,{"a":[{"b":{}}],"c":[[]]}])";
  EXPECT_EQ(DumpJson(*ParseJson(text)), text);
  EXPECT_EQ(ParseSortedJson(text)->dump(), text);
}

TEST(ParseJson, RefusesDeepNesting) {
  const auto nested = [](int levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_TRUE(ParseJson(nested(1000)).ok());
  EXPECT_EQ(ErrorOf(nested(1001)), "line 1, column 1001: nested deeper than 1000 levels");
  EXPECT_FALSE(ParseJson(nested(1'000'000)).ok());
}

TEST(ParseSortedJson, IsAsStrict) {
  EXPECT_EQ(ParseSortedJson(R"({"b":1,"a":2})")->begin().key(), "a");
  EXPECT_FALSE(ParseSortedJson(R"({"a":1,"a":2})").ok());
}

// nlohmann takes a zero byte for the end of the text.
TEST(ParseJson, RefusesAZeroByte) {
  for (const absl::string_view text :
       {absl::string_view("123\0", 4), absl::string_view("[]\0x", 4)}) {
    EXPECT_FALSE(ParseJson(text).ok());
  }
  EXPECT_EQ(ParseJson(absl::string_view("{\"a\":\n1}\0{", 11)).status().message(),
            "line 2, column 3: a zero byte is not JSON");
}

TEST(ParseJson, RefusesTextAfterTheValueAndBadUtf8) {
  EXPECT_FALSE(ParseJson("{} x").ok());
  EXPECT_FALSE(ParseJson("\"\xff\"").ok());
  EXPECT_FALSE(ParseJson("").ok());
}

TEST(ParseJson, NamesANumberThatIsTooLarge) {
  EXPECT_EQ(ErrorOf("{\"a\":\n 1e999}"),
            "line 2, column 2: the number 1e999 is out of a double's range");
  EXPECT_EQ(ErrorOf("-1e999"), "line 1, column 1: the number -1e999 is out of a double's range");
}

TEST(ParseJson, QuotesAKeyWithoutItsControlCharacters) {
  EXPECT_THAT(ErrorOf(R"({"\u001b[2J":1,"\u001b[2J":2})"), HasSubstr(R"(key "\u001b[2J" comes)"));
}

// What a parser that is quadratic in the values of a list, or in the keys of an object,
// needs minutes for.
TEST(ParseJson, TakesTimeInProportionToTheText) {
  constexpr int kMany = 200'000;
  std::string list, object;
  for (int i = 0; i < kMany; ++i) {
    absl::StrAppend(&list, i == 0 ? "[" : ",", "{\"a\":[]}");
    absl::StrAppend(&object, i == 0 ? "{" : ",", "\"key", i, "\":{}");
  }
  const absl::Time start = absl::Now();
  EXPECT_EQ(ParseJson(list + "]")->size(), kMany);
  EXPECT_EQ(ParseJson(object + "}")->size(), kMany);
  EXPECT_EQ(ParseSortedJson(list + "]")->size(), kMany);
  std::string deep;  // copied at each level, it would be copied a thousand times
  for (int i = 0; i < 990; ++i) deep += "{\"a\":";
  EXPECT_TRUE(ParseJson(deep + list + "]" + std::string(990, '}')).ok());
  EXPECT_EQ(ParseSortedJson(object + "}")->size(), kMany);
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
}

}  // namespace
}  // namespace tune
