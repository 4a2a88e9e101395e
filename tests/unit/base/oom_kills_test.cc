#include "base/oom_kills.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace tune {
namespace {

class OomKillsTest : public ::testing::Test {
 protected:
  ~OomKillsTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }

  const std::string root_ = absl::StrCat(::testing::TempDir(), "/oom_kills.", getpid());
};

TEST_F(OomKillsTest, AreThoseOfTheControlGroup) {
  Write("/proc/vmstat", "oom_kill 3\n");
  Write("/proc/self/cgroup", "4:memory:/old\n0::/jobs/worker\n");
  Write("/sys/fs/cgroup/jobs/worker/memory.events", "max 7\noom 2\noom_kill 1\n");
  EXPECT_EQ(OomKills(root_), 1);
}

TEST_F(OomKillsTest, AreThoseOfTheHostWhereTheGroupTellsNone) {
  EXPECT_EQ(OomKills(root_), std::nullopt);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/proc/vmstat", "nr_free_pages 188\n");
  EXPECT_EQ(OomKills(root_), std::nullopt);
  Write("/proc/vmstat", "nr_free_pages 188\noom_kill 3\nnuma_hit 9\n");
  EXPECT_EQ(OomKills(root_), 3);
}

}  // namespace
}  // namespace tune
