// Lists of files with their hashes: what a dataset, a model and a checkpoint are made of,
// wherever they lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tune {

// One file of a folder; in the scheduler's store its content is the blob `sha256`.
struct FileEntry {
  std::string path;  // safe, see IsSafePath
  int64_t size_bytes = 0;
  std::string sha256;  // 64 lower-case hex digits

  bool operator==(const FileEntry&) const = default;
};

// True for a path that stays inside the folder it is joined to on every machine: relative,
// 1 to 512 bytes of UTF-8, "/" between parts, no part empty, "." or "..", no NUL and no
// backslash.
bool IsSafePath(absl::string_view path);
// The rule of IsSafePath for an error message: "must be a relative path …".
std::string SafePathRule();

void SortByPath(std::vector<FileEntry>& files);
int64_t TotalBytes(const std::vector<FileEntry>& files);

// SHA-256 of the lines "sha256  path\n", sorted by path: the identity of a whole folder.
std::string FilesDigest(std::vector<FileEntry> files);

// INVALID_ARGUMENT unless every path is safe and there once, every hash well-formed, no size
// negative, and there are 1 to 1000 files. Names all that is wrong at once, as fields
// "FIELD[2].path".
absl::Status CheckFiles(const std::vector<FileEntry>& files, const std::string& field);

}  // namespace tune
