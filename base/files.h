// Files that survive a crash: what is written durably is either there whole or
// not at all. Errors carry the path and the errno's text; the code follows errno
// (ENOENT NOT_FOUND, ENOSPC and EDQUOT RESOURCE_EXHAUSTED, EEXIST ALREADY_EXISTS,
// EACCES and EPERM PERMISSION_DENIED, else INTERNAL).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

// The status for the current errno: "PATH: WHAT: strerror".
absl::Status ErrnoStatus(absl::string_view path, absl::string_view what);

absl::StatusOr<std::string> ReadFile(const std::string& path);
// The file descriptor, for the caller to close, of a file opened for reading. What is no
// regular file is INVALID_ARGUMENT: reading a FIFO may wait for ever, a device never end.
absl::StatusOr<int> OpenRegularFile(const std::string& path);
// The same of a file whose content comes from anywhere: more than `max_bytes` are
// INVALID_ARGUMENT too, and not read.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, int64_t max_bytes);

// Temporary file beside it, write, fsync, rename, fsync of the folder.
absl::Status WriteFileDurably(const std::string& path, absl::string_view content);

// Renames a file or folder whose content is already synced, then syncs the parent
// folders. The target is replaced if it is a file.
absl::Status RenameDurably(const std::string& from, const std::string& to);

absl::Status SyncFile(const std::string& path);
absl::Status SyncDirectory(const std::string& path);

// mkdir -p.
absl::Status CreateDirectories(const std::string& path);
// rm -rf; OK where nothing is there.
absl::Status RemoveAll(const std::string& path);
// Names (not paths) in a folder, sorted; "." and ".." left out.
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);
// Paths of all regular files below a folder, relative to it, sorted.
absl::StatusOr<std::vector<std::string>> ListFilesBelow(const std::string& path);

bool Exists(const std::string& path);
absl::StatusOr<int64_t> FileSize(const std::string& path);
// Bytes free to us on the volume of `path`.
absl::StatusOr<int64_t> FreeBytes(const std::string& path);

std::string JoinPath(absl::string_view a, absl::string_view b);

// A file being written: O_CLOEXEC, closed by the destructor.
class OutputFile {
 public:
  // Creates or truncates; with `append`, creates or continues at the end.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Open(const std::string& path,
                                                          bool append = false);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  absl::Status Write(absl::string_view bytes);
  absl::Status Sync();
  // Lets the kernel begin to write what it has of the file to the disk, without waiting for it. No
  // more than advice: whether it comes to the disk tells Sync.
  void StartWriteback();
  const std::string& path() const { return path_; }

 private:
  OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;
};

// An exclusive flock on a file, held until destruction or the process's end:
// one scheduler per data folder, one worker per work folder.
class FileLock {
 public:
  // FAILED_PRECONDITION where another process holds it.
  static absl::StatusOr<std::unique_ptr<FileLock>> Acquire(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace tune
