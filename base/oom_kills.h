// Evidence that the kernel ended a process for lack of memory: a SIGKILL alone tells nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tune {

// How many processes the kernel has ended on this host for lack of memory, its own or a control
// group's, since the host started; nullopt where the kernel does not tell (before Linux 4.13).
std::optional<int64_t> OomKills(const std::string& vmstat_path = "/proc/vmstat");

}  // namespace tune
