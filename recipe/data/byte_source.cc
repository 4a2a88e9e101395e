#include "recipe/data/byte_source.h"

#include <cstdio>
#include <cstring>

#include "base/files.h"
#include "base/status.h"

namespace tune {
namespace {

class FileBytes : public ByteSource {
 public:
  FileBytes(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    const size_t read = std::fread(out, 1, size, file_.get());
    if (std::ferror(file_.get())) return ErrnoStatus(path_, "read");
    return read;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileBytes(const std::string& path) {
  ASSIGN_OR_RETURN(const int fd, OpenRegularFile(path));
  return std::make_unique<FileBytes>(path, fdopen(fd, "rb"));
}

absl::StatusOr<absl::string_view> BufferedBytes::Peek(size_t min) {
  if (end_ - begin_ < min) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < min) {
    ASSIGN_OR_RETURN(const size_t read,
                     source_->Read(buffer_.data() + end_, buffer_.size() - end_));
    if (read == 0) break;
    end_ += read;
  }
  return absl::string_view(buffer_).substr(begin_, end_ - begin_);
}

}  // namespace tune
