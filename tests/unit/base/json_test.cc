#include "base/json.h"

#include <gtest/gtest.h>

namespace tune {
namespace {

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
}

TEST(ParseJson, RefusesDeepNesting) {
  const auto nested = [](int levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_TRUE(ParseJson(nested(1000)).ok());
  EXPECT_EQ(ParseJson(nested(1001)).status().message(), "nested deeper than 1000 levels");
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

}  // namespace
}  // namespace tune
