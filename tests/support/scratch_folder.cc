#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "base/files.h"

namespace tune {
namespace {

std::string MakeFolder(ScratchFolder::Where where) {
  const bool memory = where == ScratchFolder::Where::kMemory && access("/dev/shm", W_OK) == 0;
  std::string pattern = JoinPath(memory ? "/dev/shm" : ::testing::TempDir(), "tune-test-XXXXXX");
  EXPECT_NE(mkdtemp(pattern.data()), nullptr) << pattern;
  return pattern;
}

}  // namespace

ScratchFolder::ScratchFolder(Where where) : where_(where), path_(MakeFolder(where)) {}

ScratchFolder::~ScratchFolder() {
  if (where_ == Where::kDisk && ::testing::Test::HasFailure()) {
    std::fprintf(stderr, "kept for inspection: %s\n", path_.c_str());
  } else {
    RemoveAll(path_).IgnoreError();
  }
}

std::string ScratchFolder::operator/(absl::string_view name) const { return JoinPath(path_, name); }

std::string ScratchFolder::Write(absl::string_view name, absl::string_view content) const {
  std::string path = *this / name;
  std::ofstream file(path, std::ios::binary);
  file << content;
  EXPECT_TRUE(file.flush().good()) << path;
  return path;
}

void AppendTo(const std::string& path, absl::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << text;
  EXPECT_TRUE(file.flush().good()) << path;
}

}  // namespace tune
