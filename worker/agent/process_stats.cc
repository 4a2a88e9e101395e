#include "worker/agent/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "base/files.h"

namespace tune::worker {
namespace {

double Seconds(const timeval& time) { return time.tv_sec + time.tv_usec / 1e6; }

int64_t ResidentBytes() {
  const std::string statm = ReadFile("/proc/self/statm").value_or("");
  long long pages = 0;
  if (sscanf(statm.c_str(), "%*d %lld", &pages) != 1) return 0;
  return pages * sysconf(_SC_PAGE_SIZE);
}

}  // namespace

ProcessStats ReadProcessStats() {
  ProcessStats stats;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    stats.cpu_seconds = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  }
  stats.resident_bytes = ResidentBytes();
  if (const auto fds = ListDirectory("/proc/self/fd"); fds.ok()) stats.open_fds = fds->size();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

}  // namespace tune::worker
