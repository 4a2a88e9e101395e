#include "client/style.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tune::client {
namespace {

bool IsSet(const char* value) { return value != nullptr && *value != '\0'; }

struct StateColor {
  absl::string_view state;
  const char* code;
};

constexpr StateColor kStateColors[] = {
    {"RUNNING", "36"},   {"LEASED", "36"},    {"SUCCEEDED", "32"}, {"FAILED", "31"},
    {"CANCELLED", "33"}, {"PAUSED", "33"},    {"IDLE", "32"},      {"BUSY", "36"},
    {"LOST", "31"},      {"UNHEALTHY", "33"}, {"UNKNOWN", "33"},   {"CORDONED", "33"},
};

constexpr absl::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr absl::string_view kAsciiBlocks[] = {"_", ".", "-", "=", "+", "*", "#", "@"};

std::string Repeat(absl::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) absl::StrAppend(&repeated, text);
  return repeated;
}

// Means of `buckets` runs of values that differ in length by one at most.
std::vector<double> Buckets(const std::vector<double>& values, size_t buckets) {
  if (values.size() <= buckets) return values;
  std::vector<double> means;
  for (size_t i = 0; i < buckets; ++i) {
    const size_t first = i * values.size() / buckets, last = (i + 1) * values.size() / buckets;
    double sum = 0;
    for (size_t j = first; j < last; ++j) sum += values[j];
    means.push_back(sum / static_cast<double>(last - first));
  }
  return means;
}

}  // namespace

bool WantsColor(absl::string_view flag, bool is_terminal, const char* no_color, const char* term) {
  if (flag != "auto") return flag == "always";
  return is_terminal && !IsSet(no_color) && !(IsSet(term) && absl::string_view(term) == "dumb");
}

bool WantsUnicode(const char* lc_all, const char* lc_ctype, const char* lang) {
  for (const char* locale : {lc_all, lc_ctype, lang}) {
    if (!IsSet(locale)) continue;
    const std::string name = absl::AsciiStrToLower(locale);
    return absl::StrContains(name, "utf-8") || absl::StrContains(name, "utf8");
  }
  return true;
}

Screen DetectScreen(int fd, absl::string_view color_flag) {
  Screen screen;
  screen.is_terminal = isatty(fd) != 0;
  screen.color = WantsColor(color_flag, screen.is_terminal, getenv("NO_COLOR"), getenv("TERM"));
  screen.unicode = WantsUnicode(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG"));
  winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) screen.width = size.ws_col;
  return screen;
}

std::string Style::Paint(const char* code, absl::string_view text) const {
  return color_ ? absl::StrCat("\x1b[", code, "m", text, "\x1b[0m") : std::string(text);
}

std::string Style::State(absl::string_view state) const {
  for (const StateColor& entry : kStateColors) {
    if (entry.state == state) return Paint(entry.code, state);
  }
  return std::string(state);
}

std::string Style::Bar(double fraction, int cells) const {
  if (!(fraction > 0)) fraction = 0;  // NaN too
  const int halves = static_cast<int>(std::min(fraction, 1.0) * 2 * cells);
  const int full = halves / 2, half = halves % 2;
  const std::string done = unicode_ ? absl::StrCat(Repeat("━", full), half ? "╸" : "")
                                    : absl::StrCat(Repeat("=", full), half ? ">" : "");
  return absl::StrCat(Cyan(done), Dim(Repeat(unicode_ ? "─" : "-", cells - full - half)));
}

std::string Style::Sparkline(const std::vector<double>& values, int cells) const {
  if (values.empty() || cells < 1) return "";
  const std::vector<double> means = Buckets(values, cells);
  double low = INFINITY, high = -INFINITY;
  for (double v : means) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  std::string line;
  for (double v : means) {
    const double share = high > low ? (v - low) / (high - low) : 0;
    const int level = std::isfinite(v) ? std::min(7, static_cast<int>(share * 8)) : -1;
    absl::StrAppend(&line, level < 0 ? "!" : unicode_ ? kBlocks[level] : kAsciiBlocks[level]);
  }
  return line;
}

}  // namespace tune::client
