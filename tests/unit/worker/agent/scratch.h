// A folder of a test's own, and files in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "base/files.h"

namespace tune::worker {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = ::testing::TempDir() + "tune-agent-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~ScratchFolder() { (void)RemoveAll(path_); }
  const std::string& path() const { return path_; }
  std::string operator/(absl::string_view name) const { return JoinPath(path_, name); }

 private:
  std::string path_;
};

inline void AppendTo(const std::string& path, const std::string& text) {
  auto file = OutputFile::Open(path, /*append=*/true);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Write(text).ok());
}

}  // namespace tune::worker
