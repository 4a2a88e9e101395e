#include "recipe/line_reader.h"

#include <algorithm>
#include <utility>

#include "base/files.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";

}  // namespace

absl::StatusOr<LineReader> LineReader::Open(const std::string& path, size_t max_line_bytes) {
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return ErrnoStatus(path, "open");
  return LineReader(path, max_line_bytes, file);
}

absl::StatusOr<bool> LineReader::Fill() {
  begin_ = 0;
  end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (std::ferror(file_.get())) return ErrnoStatus(path_, "read");
  return end_ > 0;
}

absl::StatusOr<LineReader::Got> LineReader::Next(std::string* line) {
  line->clear();
  bool some = false;  // of the line, be it empty, has been seen
  bool too_long = false;
  for (bool ended = false; !ended;) {
    if (begin_ == end_) {
      ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) break;
    }
    some = true;
    const auto from = buffer_.begin() + begin_;
    const auto newline = std::find(from, buffer_.begin() + end_, '\n');
    ended = newline != buffer_.begin() + end_;
    begin_ = newline - buffer_.begin() + (ended ? 1 : 0);
    too_long = too_long || line->size() + (newline - from) > max_line_bytes_;
    if (!too_long) line->append(from, newline);
  }
  if (!some) return Got::kEnd;
  if (++line_number_ == 1 && line->starts_with(kByteOrderMark)) line->erase(0, 3);
  if (line->ends_with('\r')) line->pop_back();
  return too_long ? Got::kTooLong : Got::kLine;
}

}  // namespace tune
