// Git LFS pointers (git-lfs, docs/spec.md): the few lines of text that a repository holds in place
// of a large file, and that a clone without git-lfs leaves on disk.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tune {

// What to tell of one, after the file's name.
inline constexpr char kIsGitLfsPointer[] =
    "is a Git LFS pointer, not the file; run git lfs pull in its folder, or download the file";

// True where a file's content, or its beginning of at least 40 bytes, is that of a pointer.
bool IsGitLfsPointer(absl::string_view content);
// The same of the file at `path`; false too where there is none to read.
bool IsGitLfsPointerFile(const std::string& path);

}  // namespace tune
