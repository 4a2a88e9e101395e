// A small file system that can be filled to the brim.
#pragma once

#include <cstdint>
#include <string>

namespace tune::testing {

class SmallVolume {
 public:
  // A tmpfs of `size` ("96m") at `path`, which is made. Not mounted: the test has no right to.
  SmallVolume(std::string path, const std::string& size);
  ~SmallVolume();
  bool mounted() const { return mounted_; }
  // Leaves about `left` bytes.
  void Fill(int64_t left);
  void Empty();

 private:
  std::string path_;
  bool mounted_;
};

}  // namespace tune::testing
