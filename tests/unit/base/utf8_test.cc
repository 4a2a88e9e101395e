#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tune {
namespace {

TEST(Utf8Test, WritesAndReadsEveryCodePoint) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    AppendUtf8(c, &text);
    ASSERT_EQ(ValidUtf8Prefix(text), text.size()) << static_cast<uint32_t>(c);
    ASSERT_TRUE(FirstCodePoint(text).value == c) << static_cast<uint32_t>(c);
    ASSERT_EQ(FirstCodePoint(text).bytes, text.size());
  }
}

// Unicode 16, table 3-11 and others of chapter 3.9.
TEST(Utf8Test, OneReplacementForEachMaximalSubpart) {
  EXPECT_EQ(ReplaceInvalidUtf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB");
  EXPECT_EQ(ReplaceInvalidUtf8("ok\xE2\x82"), "ok\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8(""), "");
}

TEST(Utf8Test, ACutNeverEndsInsideACharacter) {
  const std::string text = "a\u00E9\u20AC\U0001F600b";  // 1, 2, 3, 4 and 1 bytes
  const std::vector<size_t> kept = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (size_t max_bytes = 0; max_bytes < kept.size(); ++max_bytes) {
    EXPECT_EQ(CutUtf8(text, max_bytes), absl::string_view(text).substr(0, kept[max_bytes]))
        << max_bytes;
  }
}

TEST(Utf8Test, ACutOfIllFormedTextKeepsWhatFits) {
  EXPECT_EQ(CutUtf8("\x80\x80\x80\x80", 3), "\x80\x80\x80");
  EXPECT_EQ(CutUtf8("a\xE9z", 2), "a\xE9");
  EXPECT_FALSE(IsUtf8("a\xE9z"));
  EXPECT_EQ(Utf8Problem("a\xE9z").find("must be UTF-8, but its byte 2 is 0xe9"), 0u);
  EXPECT_EQ(Utf8Problem("a\u00E9z"), "");
  EXPECT_TRUE(IsUtf8("a\u00E9z"));
}

}  // namespace
}  // namespace tune
