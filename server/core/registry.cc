#include "server/core/registry.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/field_errors.h"
#include "base/sha256.h"

namespace tune::server {
namespace {

constexpr size_t kMaxFiles = 1000;
constexpr size_t kMaxPathBytes = 512;

bool IsSafePath(absl::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) return false;
  if (path.find('\0') != path.npos || path.find('\\') != path.npos) return false;
  for (absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

void CheckFile(const FileEntry& file, const std::string& field, std::set<std::string>& seen,
               FieldErrors& errors) {
  if (!IsSafePath(file.path)) {
    errors.Add(field + ".path", absl::StrCat("must be relative, of at most ", kMaxPathBytes,
                                             " bytes, without empty, \".\" or \"..\" parts, got \"",
                                             file.path.substr(0, 80), "\""));
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

std::string FilesDigest(std::vector<FileEntry> files) {
  std::sort(files.begin(), files.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
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

}  // namespace tune::server
