#include "base/git_lfs.h"

#include <fstream>

#include "absl/strings/match.h"

namespace tune {
namespace {

constexpr absl::string_view kFirstLine = "version https://git-lfs.github.com/spec/";

}  // namespace

bool IsGitLfsPointer(absl::string_view content) { return absl::StartsWith(content, kFirstLine); }

bool IsGitLfsPointerFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char beginning[kFirstLine.size()];
  file.read(beginning, sizeof(beginning));
  return IsGitLfsPointer({beginning, static_cast<size_t>(file.gcount())});
}

}  // namespace tune
