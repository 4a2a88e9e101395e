#include "base/oom_kills.h"

#include <fstream>

namespace tune {

std::optional<int64_t> OomKills(const std::string& vmstat_path) {
  std::ifstream vmstat(vmstat_path);
  std::string name;
  for (int64_t value = 0; vmstat >> name >> value;) {
    if (name == "oom_kill") return value;
  }
  return std::nullopt;
}

}  // namespace tune
