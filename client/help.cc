#include "client/help.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/text.h"

namespace tune::client {
namespace {

constexpr int kMaxWidth = 100;

// Where a line's last column begins: columns are two spaces or more apart.
int LastColumn(const std::string& line) {
  const size_t text = line.find_first_not_of(' ');
  const size_t gap = line.find("  ", text);
  return static_cast<int>(gap == std::string::npos ? text : line.find_first_not_of(' ', gap));
}

}  // namespace

HelpFormatter::HelpFormatter(const Screen& screen)
    : width_(screen.is_terminal ? std::min(screen.width, kMaxWidth) : kMaxWidth) {}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  std::vector<std::string> lines =
      absl::StrSplit(CLI::Formatter::make_help(app, std::move(name), mode), '\n');
  for (std::string& line : lines) {
    if (DisplayWidth(line) > width_)
      line = Wrap(line, width_, std::min(LastColumn(line), width_ / 2));
  }
  return absl::StrJoin(lines, "\n");
}

}  // namespace tune::client
