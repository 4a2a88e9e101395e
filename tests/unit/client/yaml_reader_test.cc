#include "client/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/yaml_scalar.h"

namespace tune::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Json Read(const std::string& text) {
  const auto document = ParseYaml(text, "job.yaml");
  EXPECT_TRUE(document.ok()) << document.status();
  return document.ok() ? document->value : Json();
}

std::string ErrorOf(const std::string& text) {
  return std::string(ParseYaml(text, "job.yaml").status().message());
}

TEST(Yaml, PlainScalarsFollowTheCoreSchema) {
  const std::vector<std::pair<std::string, Json>> cases = {
      {"1", 1},
      {"-17", -17},
      {"+3", 3},
      {"0o17", 15},
      {"0xff", 255},
      {"1e-5", 1e-5},
      {"1.", 1.0},
      {".5", 0.5},
      {"2.5E3", 2500.0},
      {"true", true},
      {"FALSE", false},
      {"null", nullptr},
      {"~", nullptr},
      {"", nullptr},
      {"yes", "yes"},
      {"no", "no"},
      {"on", "on"},
      {"tRue", "tRue"},
      {"1_000", "1_000"},
      {"1e", "1e"},
      {"0b1", "0b1"},
      {"12:30", "12:30"},
      {"-", "-"},
      {"1e400x", "1e400x"},
      {"9223372036854775807", INT64_MAX},
      {"9223372036854775808", 9223372036854775808.0},
  };
  for (const auto& [text, value] : cases) {
    const Json read = CoreSchemaScalar(text);
    EXPECT_EQ(read, value) << text;
    EXPECT_EQ(read.is_number_float(), value.is_number_float()) << text;
  }
}

TEST(Yaml, QuotedScalarsStayStrings) {
  const Json json = Read("a: '1'\nb: \"true\"\nc: !!str 2\nd: |\n  3\ne: \"\"\n");
  EXPECT_EQ(json.dump(), R"({"a":"1","b":"true","c":"2","d":"3\n","e":""})");
}

TEST(Yaml, NestsAndKeepsTheOrderOfKeys) {
  EXPECT_EQ(Read("z: [1, {b: x}]\na:\n  - y: 2\n    c:\n").dump(),
            R"({"z":[1,{"b":"x"}],"a":[{"y":2,"c":null}]})");
}

TEST(Yaml, ValuesHavePlaces) {
  const auto document = ParseYaml("model: m\ndatasets:\n  - dataset: d\n    weight: 2\n", "f");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->places.at("model"), "1:8");
  EXPECT_EQ(document->places.at("datasets[0].weight"), "4:13");
}

TEST(Yaml, ErrorsNameFileLineAndColumn) {
  EXPECT_THAT(ErrorOf("a: 1\nb: [1,\n"), StartsWith("job.yaml:3:1: "));
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"), "job.yaml:3:1: key \"a\" comes twice");
  EXPECT_EQ(ErrorOf("a:\n  x: 1\n  x: 1\n"), "job.yaml:3:3: key \"x\" comes twice");
  EXPECT_EQ(ErrorOf("? [1]\n: 2\n"), "job.yaml:1:3: a key must be a plain text");
  EXPECT_THAT(ErrorOf("a: 1\n---\nb: 2\n"), HasSubstr("a second document"));
  EXPECT_EQ(ErrorOf("a: .inf\n"), "job.yaml:1:4: .inf is not a finite number");
  EXPECT_EQ(ErrorOf("a: .NaN\n"), "job.yaml:1:4: .NaN is not a finite number");
  EXPECT_THAT(ErrorOf("a: !!int x\n"), HasSubstr("does not fit the tag"));
  EXPECT_THAT(ErrorOf("a: !mine x\n"), HasSubstr("!mine"));
  EXPECT_THAT(ErrorOf("a: *nothing\n"), StartsWith("job.yaml:1:"));
  EXPECT_THAT(ErrorOf("a:\tb: c\n"), StartsWith("job.yaml:1:"));
}

TEST(Yaml, AliasesAreValuesButNoBomb) {
  EXPECT_EQ(Read("a: &x {p: 1}\nb: *x\n").dump(), R"({"a":{"p":1},"b":{"p":1}})");
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, j ? "," : "", "*a", i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(ErrorOf(bomb), HasSubstr("too many values"));
}

TEST(Yaml, DeepNestingIsRefused) {
  EXPECT_THAT(ErrorOf(std::string(70, '[') + std::string(70, ']')), HasSubstr("too deeply"));
  EXPECT_NE(ErrorOf(std::string(100000, '[')), "");
}

TEST(Yaml, EmptyTextIsNull) {
  EXPECT_TRUE(Read("").is_null());
  EXPECT_TRUE(Read("# only a comment\n").is_null());
}

}  // namespace
}  // namespace tune::client
