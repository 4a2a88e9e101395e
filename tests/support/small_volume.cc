#include "tests/support/small_volume.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "base/files.h"

namespace tune::testing {

SmallVolume::SmallVolume(std::string path, const std::string& size) : path_(std::move(path)) {
  EXPECT_TRUE(CreateDirectories(path_).ok());
  mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

SmallVolume::~SmallVolume() {
  if (mounted_) umount2(path_.c_str(), MNT_DETACH);
}

void SmallVolume::Fill(int64_t left) {
  const int64_t free = *FreeBytes(path_);
  auto file = OutputFile::Open(path_ + "/ballast");
  ASSERT_TRUE(file.ok());
  const std::string block(4 << 10, 'x');
  for (int64_t used = 0; used + left < free; used += block.size()) {
    if (!(*file)->Write(block).ok()) return;
  }
}

void SmallVolume::Empty() { (void)RemoveAll(path_ + "/ballast"); }

}  // namespace tune::testing
