#include "client/live_region.h"

#include "absl/strings/str_cat.h"

namespace tune::client {
namespace {

// ECMA-48 and DEC private mode 7: a line too long is cut, or the region's height
// would no longer be its number of lines.
constexpr char kNoWrap[] = "\x1b[?7l";
constexpr char kWrap[] = "\x1b[?7h";
constexpr char kClearLine[] = "\x1b[K";

}  // namespace

std::string LiveRegion::Erase() const {
  return drawn_.empty() ? "" : absl::StrCat("\x1b[", drawn_.size(), "A\r");
}

void LiveRegion::Draw(const std::vector<std::string>& lines) {
  if (lines == drawn_) return;
  std::string text = absl::StrCat(Erase(), kNoWrap);
  for (const std::string& line : lines) absl::StrAppend(&text, line, kClearLine, "\n");
  absl::StrAppend(&text, kWrap, lines.size() < drawn_.size() ? "\x1b[J" : "");
  out_ << text << std::flush;
  drawn_ = lines;
}

}  // namespace tune::client
