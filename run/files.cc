#include "run/files.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/field_errors.h"
#include "base/sha256.h"
#include "base/utf8.h"

namespace tune {
namespace {

constexpr size_t kMaxFiles = 1000;
constexpr size_t kMaxPathBytes = 512;
constexpr absl::string_view kForbidden("\\\0", 2);

void CheckFile(const FileEntry& file, const std::string& field, std::set<std::string>& seen,
               FieldErrors& errors) {
  if (!IsSafePath(file.path)) {
    errors.Add(field + ".path", absl::StrCat(SafePathRule(), ", got \"",
                                             ReplaceInvalidUtf8(CutUtf8(file.path, 80)), "\""));
  } else if (!seen.insert(file.path).second) {
    errors.Add(field + ".path", absl::StrCat("\"", file.path, "\" is there twice"));
  }
  if (!IsSha256Hex(file.sha256)) {
    errors.Add(field + ".sha256", "must be 64 lower-case hex digits");
  }
  if (file.size_bytes < 0) {
    errors.Add(field + ".size_bytes", absl::StrCat("must be at least 0, got ", file.size_bytes));
  }
}

}  // namespace

bool IsSafePath(absl::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) return false;
  if (path.find_first_of(kForbidden) != path.npos) return false;
  if (ValidUtf8Prefix(path) != path.size()) return false;
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  return std::none_of(parts.begin(), parts.end(), [](absl::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
}

std::string SafePathRule() {
  return absl::StrCat(
      "must be a relative path inside the folder, of at most ", kMaxPathBytes,
      " bytes of UTF-8, without backslash and without empty, \".\" or \"..\" parts");
}

void SortByPath(std::vector<FileEntry>& files) {
  std::sort(files.begin(), files.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
}

int64_t TotalBytes(const std::vector<FileEntry>& files) {
  int64_t bytes = 0;
  for (const FileEntry& file : files) bytes += file.size_bytes;
  return bytes;
}

std::string FilesDigest(std::vector<FileEntry> files) {
  SortByPath(files);
  Sha256 hash;
  for (const FileEntry& file : files) hash.Update(absl::StrCat(file.sha256, "  ", file.path, "\n"));
  return hash.Finish();
}

absl::Status CheckFiles(const std::vector<FileEntry>& files, const std::string& field) {
  FieldErrors errors;
  if (files.empty() || files.size() > kMaxFiles) {
    errors.Add(field, absl::StrCat("must list 1 to ", kMaxFiles, " files, got ", files.size()));
    return errors.ToStatus("files");
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < files.size(); ++i) {
    CheckFile(files[i], absl::StrCat(field, "[", i, "]"), seen, errors);
  }
  return errors.ToStatus("files");
}

}  // namespace tune
