// A folder of one test's own, gone with it.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tune {

class ScratchFolder {
 public:
  enum class Where {
    kDisk,    // under ::testing::TempDir(); a test that failed keeps it, and its path is printed
    kMemory,  // in /dev/shm where that is there, so that no test waits for a disk to sync
  };

  explicit ScratchFolder(Where where = Where::kDisk);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(absl::string_view name) const;
  // The path of a file made of `content`, which need not outlast a power cut.
  std::string Write(absl::string_view name, absl::string_view content) const;

 private:
  const Where where_;
  const std::string path_;
};

// Adds `text` to the end of a file, which need not exist.
void AppendTo(const std::string& path, absl::string_view text);

}  // namespace tune
