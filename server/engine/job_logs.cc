#include "server/engine/job_logs.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr int64_t kTailBlockBytes = 64 << 10;

absl::StatusOr<std::string> ReadAt(const std::string& path, int64_t offset, int64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "";
  file.seekg(offset);
  std::string data(static_cast<size_t>(bytes), '\0');
  file.read(data.data(), static_cast<std::streamsize>(data.size()));
  if (file.bad()) return absl::InternalError(absl::StrCat(path, ": cannot be read"));
  data.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return data;
}

}  // namespace

JobLogs::JobLogs(std::string data_dir, int64_t max_bytes)
    : dir_(JoinPath(data_dir, "logs")), max_bytes_(max_bytes) {}

std::string JobLogs::Path(const std::string& job_id, int32_t attempt) const {
  return absl::StrCat(dir_, "/", job_id, "/", attempt, ".log");
}

absl::StatusOr<int64_t> JobLogs::Append(const std::string& job_id, int32_t attempt, int64_t offset,
                                        absl::string_view data) {
  const std::string path = Path(job_id, attempt);
  const int64_t end = offset + static_cast<int64_t>(data.size());
  absl::MutexLock lock(&mutex_);
  const int64_t size = FileSize(path).value_or(0);
  if (size >= max_bytes_) return std::max(end, size);
  if (offset < 0 || offset > size || end <= size) return size;
  RETURN_IF_ERROR(CreateDirectories(JoinPath(dir_, job_id)));
  ASSIGN_OR_RETURN(const auto file, OutputFile::Open(path, /*append=*/true));
  data.remove_prefix(static_cast<size_t>(size - offset));
  RETURN_IF_ERROR(file->Write(data.substr(0, static_cast<size_t>(max_bytes_ - size))));
  if (end < max_bytes_) return end;
  RETURN_IF_ERROR(file->Write(absl::StrCat("\n[cut here: a log keeps ", max_bytes_, " bytes]\n")));
  return end;
}

absl::StatusOr<std::string> JobLogs::Read(const std::string& job_id, int32_t attempt,
                                          int64_t offset, int64_t max_bytes) {
  return ReadAt(Path(job_id, attempt), offset, max_bytes);
}

absl::Status JobLogs::Remove(const std::string& job_id) {
  absl::MutexLock lock(&mutex_);
  return RemoveAll(JoinPath(dir_, job_id));
}

absl::StatusOr<int64_t> JobLogs::TailOffset(const std::string& job_id, int32_t attempt,
                                            int64_t lines) {
  if (lines <= 0) return 0;
  const std::string path = Path(job_id, attempt);
  const int64_t size = FileSize(path).value_or(0);
  // A newline that ends the file ends its last line: it begins no other.
  for (int64_t end = size, seen = 0; end > 0;) {
    const int64_t begin = std::max<int64_t>(end - kTailBlockBytes, 0);
    ASSIGN_OR_RETURN(const std::string block, ReadAt(path, begin, end - begin));
    for (int64_t i = static_cast<int64_t>(block.size()) - 1; i >= 0; --i) {
      const bool newline = block[static_cast<size_t>(i)] == '\n' && begin + i + 1 < size;
      if (newline && ++seen == lines) return begin + i + 1;
    }
    end = begin;
  }
  return 0;
}

}  // namespace tune::server
