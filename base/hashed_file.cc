#include "base/hashed_file.h"

#include <algorithm>
#include <future>

#include "base/status.h"

namespace tune {
namespace {

// Fewer bytes are hashed sooner than a thread starts.
constexpr size_t kBeside = 256 << 10;
constexpr size_t kPiece = 16 << 20;

absl::Status WriteThrough(OutputFile& file, absl::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPiece))) {
    RETURN_IF_ERROR(file.Write(bytes.substr(0, kPiece)));
    file.StartWriteback();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<HashedFile>> HashedFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, OutputFile::Open(path));
  return std::unique_ptr<HashedFile>(new HashedFile(std::move(file)));
}

absl::Status HashedFile::Write(absl::string_view bytes) {
  if (bytes.size() < kBeside) {
    hash_.Update(bytes);
    return file_->Write(bytes);
  }
  // Where no thread is to be had the hashing waits for wait().
  const std::future<void> hashed = std::async([&] { hash_.Update(bytes); });
  const absl::Status written = WriteThrough(*file_, bytes);
  hashed.wait();
  return written;
}

}  // namespace tune
