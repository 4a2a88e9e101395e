#include "client/yaml_writer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "client/yaml_reader.h"

namespace tune::client {
namespace {

// A failure names the value and the YAML.
void ExpectReadsBack(const Json& json) {
  const std::string yaml = ToYaml(json);
  const auto read = ParseYaml(yaml, "out.yaml");
  ASSERT_TRUE(read.ok()) << read.status() << "\n" << json << "\n" << yaml;
  EXPECT_EQ(read->value.dump(), json.dump()) << yaml;
}

// What YAML has a meaning for, in whole strings and in parts of some.
const std::vector<std::string>& Nasty() {
  static const std::vector<std::string> kNasty = {
      "",       " ",      "  ",         "\n",         "\n\n",      "\r\n",
      "\t",     "\x01",   "\x1b[31m",   "\x7f",       "\u0080",    "\u0085",
      "\u00a0", "\u2028", "\ufeff",     "\ufffd",     "ü☃",        "日本",
      "🚀",      "\u0301", "yes",        "No",         "on",        "true",
      "FALSE",  "null",   "~",          "012",        "0o17",      "0x1F",
      "0b1",    "1e3",    "-1",         "+.5",        "1_000",     "12:30",
      ".inf",   ".NaN",   "<<",         "=",          ": ",        ":",
      "# ",     "#",      " #",         "- ",         "-",         "---",
      "--- a",  "...",    "? ",         "?",          "!",         "!!int",
      "&a",     "*a",     "|",          ">",          "%TAG a",    "@",
      "`",      "'",      "''",         "\"",         "\\",        "\\n",
      "[",      "]",      "{",          "}",          ",",         "[a, b]",
      "{a: b}", "a",      "plain text", "2026-11-27", "jobs/x@12", "https://x.y/z?a=b#c"};
  return kNasty;
}

TEST(ToYaml, WritesBlocks) {
  const Json json = Json::parse(
      R"({"name":"jobs/x","n":3,"empty":[],"none":{},"list":[1,{"a":1,"b":[true,null]},[2]]})");
  EXPECT_EQ(ToYaml(json),
            "name: jobs/x\nn: 3\nempty: []\nnone: {}\nlist:\n  - 1\n  - a: 1\n    b:\n"
            "      - true\n      - null\n  -\n    - 2\n");
}

TEST(ToYaml, QuotesOnlyWhatNeedsIt) {
  const Json json = {{"text", "true"},    {"count", "64"}, {"way", "a: b"}, {"note", "so it is"},
                     {"snow", "ü☃ 日本"}, {"two", "a\nb"}, {"esc", "\x1b"}, {"time", 0.1}};
  EXPECT_EQ(ToYaml(json),
            "text: \"true\"\ncount: \"64\"\nway: \"a: b\"\nnote: so it is\nsnow: ü☃ 日本\n"
            "two: \"a\\nb\"\nesc: \"\\x1b\"\ntime: 0.1\n");
  EXPECT_EQ(ToYaml("a: b"), "\"a: b\"\n");
}

TEST(ToYaml, AnyStringReadsBackWhereverItStands) {
  std::vector<std::string> texts = Nasty();
  for (const std::string& a : Nasty()) {
    for (const std::string& b : Nasty()) {
      texts.push_back(a + b);
      texts.push_back(absl::StrCat("x", a, "y", b));
    }
  }
  Json list = Json::array(), keys = Json::object();
  for (const std::string& text : texts) {
    ExpectReadsBack(text);
    ExpectReadsBack({{text, text}});
    list.push_back(text);
    keys[text] = Json::array({text, Json::array({text})});
  }
  ExpectReadsBack(list);
  ExpectReadsBack(keys);
  ExpectReadsBack({{std::string(5000, 'k'), std::string(5000, 'v')}});
}

TEST(ToYaml, NumbersBoolsNullAndEmptyContainersReadBack) {
  for (const Json& value :
       {Json(0), Json(-17), Json(INT64_MAX), Json(INT64_MIN), Json(0.1), Json(1e-5), Json(1e300),
        Json(5.0), Json(-0.0), Json(2779683840.0), Json(true), Json(false), Json(nullptr),
        Json::array(), Json::object()}) {
    ExpectReadsBack(value);
    ExpectReadsBack(
        {{"a", value}, {"b", Json::array({value, {{"c", value}}, Json::array({value})})}});
  }
}

TEST(ToYaml, InvalidUtf8IsReplaced) { EXPECT_EQ(ToYaml("a\xff"), "a\uFFFD\n"); }

}  // namespace
}  // namespace tune::client
