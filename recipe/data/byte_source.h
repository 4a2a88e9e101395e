// Bytes of a file, piece by piece, in bounded memory.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Writes up to `size` > 0 bytes to `out` and says how many; 0 at the end.
  virtual absl::StatusOr<size_t> Read(char* out, size_t size) = 0;
};

// Of a regular file.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileBytes(const std::string& path);

// A source that can be looked at before it is used.
class BufferedBytes {
 public:
  static constexpr size_t kBufferBytes = size_t{1} << 16;

  explicit BufferedBytes(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  // What is there of the bytes not yet used: at least `min` <= kBufferBytes of them, unless
  // the source ends before. Valid until the next call.
  absl::StatusOr<absl::string_view> Peek(size_t min = 1);
  // Of what Peek gave last.
  void Use(size_t bytes) { begin_ += bytes; }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string buffer_ = std::string(kBufferBytes, '\0');
  size_t begin_ = 0;  // of what is not yet used of buffer_
  size_t end_ = 0;
};

}  // namespace tune
