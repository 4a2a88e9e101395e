#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxRemoveTries = 100;
constexpr int kMaxLockTries = 20;
constexpr absl::Duration kLockRetry = absl::Milliseconds(5);

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status ErrorCodeStatus(absl::string_view path, absl::string_view what,
                             const std::error_code& error) {
  return absl::Status(CodeOf(error.value()), absl::StrCat(path, ": ", what, ": ", error.message()));
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

absl::Status SyncPath(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(path, "open for sync");
  const bool synced = fsync(fd) == 0;
  const absl::Status status = synced ? absl::OkStatus() : ErrnoStatus(path, "fsync");
  close(fd);
  return status;
}

}  // namespace

absl::Status ErrnoStatus(absl::string_view path, absl::string_view what) {
  const int error = errno;
  return absl::Status(CodeOf(error), absl::StrCat(path, ": ", what, ": ", strerror(error)));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return ErrnoStatus(path, "open");
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, not a file"));
  }
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad()) return ErrnoStatus(path, "read");
  return std::move(content).str();
}

absl::StatusOr<int> OpenRegularFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoStatus(path, "open");
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return fd;
  close(fd);
  return absl::InvalidArgumentError(absl::StrCat(path, ": is no regular file"));
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, int64_t max_bytes) {
  ASSIGN_OR_RETURN(const int fd, OpenRegularFile(path));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(fdopen(fd, "rb"), std::fclose);
  ASSIGN_OR_RETURN(const int64_t size, FileSize(path));
  if (size > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": has ", size, " bytes, the limit is ",
                                                   max_bytes, "; is it the right file?"));
  }
  std::string content(size, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get())) return ErrnoStatus(path, "read");
  return content;
}

absl::Status WriteFileDurably(const std::string& path, absl::string_view content) {
  const std::string temporary = path + ".tmp";
  {
    ASSIGN_OR_RETURN(auto file, OutputFile::Open(temporary));
    RETURN_IF_ERROR(file->Write(content));
    RETURN_IF_ERROR(file->Sync());
  }
  return RenameDurably(temporary, path);
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus(from, "rename to " + to);
  RETURN_IF_ERROR(SyncDirectory(ParentOf(to)));
  return ParentOf(from) == ParentOf(to) ? absl::OkStatus() : SyncDirectory(ParentOf(from));
}

absl::Status SyncFile(const std::string& path) { return SyncPath(path, O_RDONLY); }

absl::Status SyncDirectory(const std::string& path) {
  return SyncPath(path, O_RDONLY | O_DIRECTORY);
}

absl::Status CreateDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? ErrorCodeStatus(path, "create folder", error) : absl::OkStatus();
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  // Where somebody else removes the same folder, what it held vanishes on the way.
  for (int tries = 0; tries < kMaxRemoveTries; ++tries) {
    fs::remove_all(path, error);
    if (error != std::errc::no_such_file_or_directory) break;
  }
  return error ? ErrorCodeStatus(path, "remove", error) : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  if (error) return ErrorCodeStatus(path, "list", error);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::vector<std::string>> ListFilesBelow(const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->is_regular_file()) files.push_back(fs::relative(entry->path(), path));
  }
  if (error) return ErrorCodeStatus(path, "list", error);
  std::sort(files.begin(), files.end());
  return files;
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

absl::StatusOr<int64_t> FileSize(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return ErrorCodeStatus(path, "size", error);
  return static_cast<int64_t>(size);
}

absl::StatusOr<int64_t> FreeBytes(const std::string& path) {
  struct statvfs volume;
  if (statvfs(path.c_str(), &volume) != 0) return ErrnoStatus(path, "statvfs");
  return static_cast<int64_t>(volume.f_bavail) * static_cast<int64_t>(volume.f_frsize);
}

std::string JoinPath(absl::string_view a, absl::string_view b) {
  if (a.empty()) return std::string(b);
  return absl::StrCat(a, a.back() == '/' ? "" : "/", b);
}

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& path, bool append) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
  const int fd = open(path.c_str(), flags, 0644);
  if (fd < 0) return ErrnoStatus(path, "open for writing");
  return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
}

OutputFile::~OutputFile() { close(fd_); }

absl::Status OutputFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(path_, "write");
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Sync() {
  return fsync(fd_) == 0 ? absl::OkStatus() : ErrnoStatus(path_, "fsync");
}

void OutputFile::StartWriteback() { sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE); }

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(path, "open lock");
  bool taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  // Who only looks whether it is held has it for an instant (worker/trainer/run/orphan_watch.h).
  for (int tries = 1; tries < kMaxLockTries && !taken; ++tries) {
    absl::SleepFor(kLockRetry);
    taken = flock(fd, LOCK_EX | LOCK_NB) == 0;
  }
  if (!taken) {
    close(fd);
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": another process holds this lock; stop it or use another folder"));
  }
  return std::unique_ptr<FileLock>(new FileLock(fd));
}

FileLock::~FileLock() { close(fd_); }

}  // namespace tune
