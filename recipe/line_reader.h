// A text file line by line, in bounded memory.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tune {

class LineReader {
 public:
  static constexpr size_t kMaxLineBytes = size_t{16} << 20;

  static absl::StatusOr<LineReader> Open(const std::string& path,
                                         size_t max_line_bytes = kMaxLineBytes);

  enum class Got { kLine, kTooLong, kEnd };
  // The next line without its end ("\n" or "\r\n"); a byte order mark at the start of the
  // file is left out. Of a line above the limit (kTooLong) the rest is passed over.
  absl::StatusOr<Got> Next(std::string* line);
  // Of the line read last, from 1.
  int64_t line_number() const { return line_number_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  LineReader(std::string path, size_t max_line_bytes, std::FILE* file)
      : path_(std::move(path)), max_line_bytes_(max_line_bytes), file_(file) {}
  // True unless the file is at its end.
  absl::StatusOr<bool> Fill();

  std::string path_;
  size_t max_line_bytes_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_ = std::string(size_t{1} << 16, '\0');
  size_t begin_ = 0;  // of what is not yet used of buffer_
  size_t end_ = 0;
  int64_t line_number_ = 0;
};

}  // namespace tune
