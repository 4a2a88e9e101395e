#include <gtest/gtest.h>

#include <limits>

#include "client/format.h"
#include "client/resource_names.h"
#include "client/style.h"
#include "client/table.h"
#include "client/text.h"

namespace tune::client {
namespace {

TEST(Text, WidthCountsCells) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("äöü"), 3);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("日本"), 4);
  EXPECT_EQ(DisplayWidth("🚀"), 2);
  EXPECT_EQ(DisplayWidth("\xff\xc3"), 2);
  EXPECT_EQ(DisplayWidth("\xe6\x97"), 1) << "a character cut short";
  EXPECT_EQ(DisplayWidth("\x1b\t"), 2);
  EXPECT_EQ(DisplayWidth("ひらがな한글"), 12);
  EXPECT_EQ(DisplayWidth("नमस्ते"), 4);
  EXPECT_EQ(DisplayWidth("\u200b\ufe0f"), 0);
  EXPECT_EQ(DisplayWidth("\U0001fae9"), 1) << "not assigned in Unicode 15";
  EXPECT_EQ(DisplayWidth(absl::string_view("a\0b", 3)), 3);
  EXPECT_EQ(DisplayWidth(""), 0);
}

TEST(Text, PadsAndShortensByCells) {
  EXPECT_EQ(PadRight("日", 4), "日  ");
  EXPECT_EQ(PadLeft("ab", 4), "  ab");
  EXPECT_EQ(PadRight("abcdef", 3), "abcdef");
  EXPECT_EQ(Shorten("abcdef", 4), "abc…");
  EXPECT_EQ(Shorten("abcd", 4), "abcd");
  EXPECT_EQ(Shorten("日本語", 4), "日…");
  EXPECT_EQ(Shorten("abc", 0), "");
}

TEST(Text, WrapsBetweenWordsByCells) {
  EXPECT_EQ(Wrap("a few words", 20, 2), "a few words");
  EXPECT_EQ(Wrap("a few words", 6, 2), "a few\n  words");
  EXPECT_EQ(Wrap("  -f   one two", 10, 7), "  -f   one\n       two");
  EXPECT_EQ(Wrap("日本 日本", 5, 0), "日本\n日本");
  EXPECT_EQ(Wrap("a longest b", 4, 0), "a\nlongest\nb");
  EXPECT_EQ(Wrap("", 4, 0), "");
}

TEST(Text, ControlCharactersCannotDriveTheTerminal) {
  EXPECT_EQ(Sanitize("a\x1b[31mb\n\tc"), "a\uFFFD[31mb\n\tc");
  EXPECT_EQ(Sanitize("\xc2\x9b"
                     "31m\x7f\xff"),
            "\uFFFD31m\uFFFD\uFFFD");
  EXPECT_EQ(Sanitize("a\xe6\x97z\xed\xa0\x80"), "a\uFFFDz\uFFFD\uFFFD\uFFFD")
      << "cut short; a surrogate";
  EXPECT_EQ(SanitizeLine("a\nb\tc"), "a b c");
}

TEST(Format, Durations) {
  EXPECT_EQ(HumanDuration(absl::ZeroDuration()), "0s");
  EXPECT_EQ(HumanDuration(absl::Seconds(59.9)), "59s");
  EXPECT_EQ(HumanDuration(absl::Seconds(61)), "1m01s");
  EXPECT_EQ(HumanDuration(absl::Minutes(12)), "12m");
  EXPECT_EQ(HumanDuration(absl::Minutes(64)), "1h04m");
  EXPECT_EQ(HumanDuration(absl::Hours(24)), "1d");
  EXPECT_EQ(HumanDuration(absl::Hours(74)), "3d2h");
  EXPECT_EQ(HumanDuration(-absl::Seconds(5)), "0s");
  EXPECT_EQ(Age({}, absl::UnixEpoch()), "-");
}

TEST(Format, SizesAndCounts) {
  EXPECT_EQ(HumanBytes(0), "0B");
  EXPECT_EQ(HumanBytes(1023), "1023B");
  EXPECT_EQ(HumanBytes(1024), "1.0KiB");
  EXPECT_EQ(HumanBytes((1 << 20) - 1), "1.0MiB");
  EXPECT_EQ(HumanBytes(std::numeric_limits<int64_t>::max()), "8.0EiB");
  EXPECT_EQ(HumanCount(950), "950");
  EXPECT_EQ(HumanCount(12480), "12.5k");
  EXPECT_EQ(HumanCount(999.6), "1.0k");
  EXPECT_EQ(HumanCount(2779683840.0), "2.8G");
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(4210), "4,210");
  EXPECT_EQ(WithCommas(-1234567), "-1,234,567");
  EXPECT_EQ(WithCommas(-123), "-123");
}

TEST(Format, ParsesDurations) {
  absl::Duration d;
  EXPECT_TRUE(ParseTimeout("90", &d) && d == absl::Seconds(90));
  EXPECT_TRUE(ParseTimeout("1h30m", &d) && d == absl::Minutes(90));
  EXPECT_TRUE(ParseTimeout("250ms", &d) && d == absl::Milliseconds(250));
  for (const char* bad : {"", "x", "0", "-5s", "5 minutes", "inf", "nan"}) {
    EXPECT_FALSE(ParseTimeout(bad, &d)) << bad;
  }
}

TEST(Table, AlignsByCellsAndLeavesNoTrailingSpace) {
  Table table({{"NAME"}, {"ROWS", Table::Align::kRight}, {"NOTE"}});
  table.AddRow({"日本", "5", ""});
  table.AddRow({"b", "12,000", "line\nbreak"});
  EXPECT_EQ(table.ToText(),
            "NAME    ROWS  NOTE\n"
            "日本       5  -\n"
            "b     12,000  line break\n");
  EXPECT_EQ(table.ToText(false, 1), " 日本       5  -\n b     12,000  line break\n");
}

TEST(Names, OfJobsAndCheckpoints) {
  EXPECT_EQ(JobName("oig"), "jobs/oig");
  EXPECT_EQ(JobName("job/oig"), "jobs/oig");
  EXPECT_EQ(JobName("jobs/oig"), "jobs/oig");
  EXPECT_EQ(ModelName("a/b"), "a/b");
  EXPECT_EQ(ShortName("jobs/oig"), "oig");
  EXPECT_EQ(*CheckpointName("oig"), "jobs/oig/checkpoints/latest");
  EXPECT_EQ(*CheckpointName("oig@final"), "jobs/oig/checkpoints/final");
  EXPECT_EQ(*CheckpointName("oig@1200"), "jobs/oig/checkpoints/step-00001200");
  EXPECT_EQ(*CheckpointName("jobs/oig/checkpoints/final"), "jobs/oig/checkpoints/final");
  EXPECT_FALSE(CheckpointName("@3").ok());
  EXPECT_FALSE(CheckpointName("oig@").ok());
  EXPECT_EQ(ShortCheckpointName("jobs/oig/checkpoints/final"), "oig@final");
}

Style Plain(bool unicode = true) { return Style(Screen{.unicode = unicode}); }

TEST(Style, Bars) {
  EXPECT_EQ(Plain().Bar(0, 4), "────");
  EXPECT_EQ(Plain().Bar(0.4, 4), "━╸──");
  EXPECT_EQ(Plain().Bar(1, 4), "━━━━");
  EXPECT_EQ(Plain().Bar(7, 4), "━━━━");
  EXPECT_EQ(Plain().Bar(-1, 4), "────");
  EXPECT_EQ(Plain().Bar(std::nan(""), 4), "────");
  EXPECT_EQ(Plain(false).Bar(0.4, 4), "=>--");
}

TEST(Style, Sparklines) {
  EXPECT_EQ(Plain().Sparkline({}, 8), "");
  EXPECT_EQ(Plain().Sparkline({3}, 8), "▁");
  EXPECT_EQ(Plain().Sparkline({1, 1, 1}, 8), "▁▁▁");
  EXPECT_EQ(Plain().Sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 8), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Plain().Sparkline({8, 8, 0, 0}, 2), "█▁") << "averaged into two";
  EXPECT_EQ(Plain().Sparkline({1, std::nan(""), 2}, 8), "▁!█");
  EXPECT_EQ(Plain().Sparkline({std::nan("")}, 8), "!");
  EXPECT_EQ(Plain(false).Sparkline({0, 7}, 8), "_@");
}

TEST(Style, ColourFollowsFlagThenEnvironment) {
  EXPECT_TRUE(WantsColor("auto", true, nullptr, "xterm"));
  EXPECT_TRUE(WantsColor("auto", true, "", "xterm")) << "an empty NO_COLOR counts as unset";
  EXPECT_FALSE(WantsColor("auto", false, nullptr, "xterm"));
  EXPECT_FALSE(WantsColor("auto", true, "1", "xterm"));
  EXPECT_FALSE(WantsColor("auto", true, nullptr, "dumb"));
  EXPECT_TRUE(WantsColor("always", false, "1", "dumb"));
  EXPECT_FALSE(WantsColor("never", true, nullptr, "xterm"));
  EXPECT_EQ(Style(Screen{.color = true}).Red("x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Plain().State("FAILED"), "FAILED");
}

TEST(Style, UnicodeFollowsTheLocale) {
  EXPECT_TRUE(WantsUnicode(nullptr, nullptr, nullptr));
  EXPECT_TRUE(WantsUnicode(nullptr, nullptr, "en_US.UTF-8"));
  EXPECT_FALSE(WantsUnicode("C", nullptr, "en_US.UTF-8"));
  EXPECT_TRUE(WantsUnicode("", "C.utf8", "C"));
}

}  // namespace
}  // namespace tune::client
