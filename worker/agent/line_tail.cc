#include "worker/agent/line_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/status.h"
#include "base/utf8.h"

namespace tune::worker {
namespace {

constexpr int64_t kMaxLineBytes = 3 << 20;

}  // namespace

absl::StatusOr<std::string> ReadPiece(const std::string& path, int64_t offset, int64_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return "";
  if (fd < 0) return ErrnoStatus(path, "open");
  std::string piece(max_bytes, '\0');
  const ssize_t got = pread(fd, piece.data(), piece.size(), offset);
  const absl::Status status = got < 0 ? ErrnoStatus(path, "read") : absl::OkStatus();
  close(fd);
  RETURN_IF_ERROR(status);
  piece.resize(got);
  return piece;
}

std::string LastLines(const std::string& path, size_t max_lines, int64_t max_bytes) {
  const int64_t size = FileSize(path).value_or(0);
  const int64_t start = std::max<int64_t>(0, size - max_bytes);
  const std::string piece = ReadPiece(path, start, max_bytes).value_or("");
  std::vector<absl::string_view> lines = absl::StrSplit(piece, '\n', absl::SkipWhitespace());
  if (start > 0 && lines.size() > 1) lines.erase(lines.begin());  // cut off in its middle
  if (lines.size() > max_lines) lines.erase(lines.begin(), lines.end() - max_lines);
  return ReplaceInvalidUtf8(absl::StrJoin(lines, "\n"));
}

absl::StatusOr<std::vector<std::string>> LineTail::Peek(size_t max_lines, int64_t max_bytes) {
  peeked_bytes_.clear();
  int64_t bytes = max_bytes;
  ASSIGN_OR_RETURN(std::string piece, ReadPiece(path_, offset_, bytes));
  while (piece.find('\n') == std::string::npos && static_cast<int64_t>(piece.size()) == bytes) {
    if (bytes > kMaxLineBytes) {
      return absl::DataLossError(
          absl::StrCat(path_, ": line ", next_line_, " is longer than ", kMaxLineBytes, " bytes"));
    }
    bytes *= 2;
    ASSIGN_OR_RETURN(piece, ReadPiece(path_, offset_, bytes));
  }
  std::vector<std::string> lines;
  size_t start = 0;
  for (size_t end; lines.size() < max_lines && (end = piece.find('\n', start)) != piece.npos;
       start = end + 1) {
    lines.push_back(piece.substr(start, end - start));
    peeked_bytes_.push_back(end + 1 - start);
  }
  return lines;
}

void LineTail::Consume(size_t count) {
  for (size_t i = 0; i < count; ++i) offset_ += peeked_bytes_[i];
  peeked_bytes_.erase(peeked_bytes_.begin(), peeked_bytes_.begin() + count);
  next_line_ += count;
}

absl::Status LineTail::SeekLine(int64_t line) {
  if (line < next_line_) {
    offset_ = 0;
    next_line_ = 1;
  }
  while (next_line_ < line) {
    ASSIGN_OR_RETURN(const auto lines, Peek(line - next_line_));
    if (lines.empty()) {
      return absl::OutOfRangeError(absl::StrCat(path_, ": no line ", line, " yet"));
    }
    Consume(lines.size());
  }
  return absl::OkStatus();
}

}  // namespace tune::worker
