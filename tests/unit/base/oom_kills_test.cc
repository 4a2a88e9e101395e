#include "base/oom_kills.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"

namespace tune {
namespace {

TEST(OomKills, AreTheKernelsCount) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/vmstat.", getpid());
  std::ofstream(path) << "nr_free_pages 188\noom_kill 3\nnuma_hit 9\n";
  EXPECT_EQ(OomKills(path), 3);
  std::ofstream(path) << "nr_free_pages 188\n";
  EXPECT_EQ(OomKills(path), std::nullopt);
  unlink(path.c_str());
  EXPECT_EQ(OomKills(path), std::nullopt);
}

}  // namespace
}  // namespace tune
