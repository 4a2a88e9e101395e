// Evidence that the kernel ended a process for lack of memory: a SIGKILL alone tells nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tune {

// How many processes the kernel has ended for lack of memory: those of this process's control
// group (oom_kill in the memory.events of cgroup v2), or, where it has no such file, all on this
// host since it started (oom_kill in /proc/vmstat, from Linux 4.13 on). nullopt where neither
// tells. `root` is the folder that proc/ and sys/ are in.
std::optional<int64_t> OomKills(const std::string& root = "");

}  // namespace tune
