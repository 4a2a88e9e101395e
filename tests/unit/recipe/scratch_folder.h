// A folder of one test's own, gone with it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/files.h"

namespace tune {

class ScratchFolder {
 public:
  ScratchFolder()
      : path_(
            absl::StrCat(::testing::TempDir(), "/recipe_test.", getpid(), ".",
                         ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name(),
                         ".", ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_TRUE(RemoveAll(path_).ok());
    EXPECT_TRUE(CreateDirectories(path_).ok());
  }
  ~ScratchFolder() { (void)RemoveAll(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(absl::string_view name) const { return JoinPath(path_, name); }
  // The path of a file made of `content`, which need not outlast a power cut.
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }

 private:
  const std::string path_;
};

}  // namespace tune
