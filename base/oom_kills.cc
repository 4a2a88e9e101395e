#include "base/oom_kills.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tune {
namespace {

std::optional<int64_t> Counter(const std::string& path, absl::string_view wanted) {
  std::ifstream counters(path);
  std::string name;
  for (int64_t value = 0; counters >> name >> value;) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

// "/user.slice/worker.service", of the unified hierarchy; nullopt where there is none.
std::optional<std::string> ControlGroup(const std::string& root) {
  std::ifstream groups(absl::StrCat(root, "/proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    absl::string_view group = line;
    if (absl::ConsumePrefix(&group, "0::")) return std::string(group);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> OomKills(const std::string& root) {
  if (const auto group = ControlGroup(root)) {
    const auto kills =
        Counter(absl::StrCat(root, "/sys/fs/cgroup", *group, "/memory.events"), "oom_kill");
    if (kills) return kills;
  }
  return Counter(absl::StrCat(root, "/proc/vmstat"), "oom_kill");
}

}  // namespace tune
