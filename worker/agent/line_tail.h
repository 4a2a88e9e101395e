// Follows a file of lines while another process appends to it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tune::worker {

// A line ends with '\n'; one without it is still being written and is left alone. Not
// thread-safe. The file stays on disk as the buffer: nothing read is kept here.
class LineTail {
 public:
  explicit LineTail(std::string path) : path_(std::move(path)) {}

  // The complete lines from next_line() on, without their ends: at most `max_lines`, and
  // `max_bytes` unless the first alone is longer. Empty where there is none, or no file yet.
  // DATA_LOSS for a line above 3 MiB, which no message could carry.
  absl::StatusOr<std::vector<std::string>> Peek(size_t max_lines, int64_t max_bytes = 1 << 20);
  // The first `count` lines of the last Peek are done with.
  void Consume(size_t count);
  // Goes to another line, which must be there.
  absl::Status SeekLine(int64_t line);

  // From 1.
  int64_t next_line() const { return next_line_; }

 private:
  const std::string path_;
  int64_t offset_ = 0;
  int64_t next_line_ = 1;
  std::vector<int64_t> peeked_bytes_;  // of each line, its end included
};

// Up to `max_bytes` of a file from `offset` on; "" at its end or where it is not there.
absl::StatusOr<std::string> ReadPiece(const std::string& path, int64_t offset, int64_t max_bytes);

// The last lines of a file, at most this many and this much: for error messages. What is
// not UTF-8 is replaced.
std::string LastLines(const std::string& path, size_t max_lines, int64_t max_bytes);

}  // namespace tune::worker
