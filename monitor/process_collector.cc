#include "monitor/process_collector.h"

#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "monitor/metric_families.h"

namespace tune {
namespace {

// The field at `index`, from 0, of a line of /proc; 0 where there is none.
double Field(const std::string& text, size_t index) {
  const std::vector<std::string> fields = absl::StrSplit(text, ' ');
  double value = 0;
  return index < fields.size() && absl::SimpleAtod(fields[index], &value) ? value : 0;
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentBytes() {
  return Field(ReadFile("/proc/self/statm").value_or(""), 1) *
         static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  // The folder's own descriptor is one of those it lists.
  const auto files = ListDirectory("/proc/self/fd");
  return files.ok() ? static_cast<double>(files->size()) - 1 : 0;
}

double MaxFiles() {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

double BootTime() {
  const std::vector<std::string> lines = absl::StrSplit(ReadFile("/proc/stat").value_or(""), '\n');
  for (const std::string& line : lines) {
    if (absl::StartsWith(line, "btime ")) return Field(line, 1);
  }
  return 0;
}

double StartTime() {
  const std::string stat = ReadFile("/proc/self/stat").value_or("");
  // Field 22, starttime in clock ticks since boot; counted from the state (field 3), since
  // the name before it may hold blanks.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  return BootTime() +
         Field(stat.substr(name_end + 2), 19) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  using enum prometheus::MetricType;
  MetricFamilies families;
  families.Single("process_cpu_seconds_total", "User and system CPU time", Counter, CpuSeconds());
  families.Single("process_resident_memory_bytes", "Resident memory", Gauge, ResidentBytes());
  families.Single("process_open_fds", "Open file descriptors", Gauge, OpenFiles());
  families.Single("process_max_fds", "Maximum number of open file descriptors", Gauge, MaxFiles());
  families.Single("process_start_time_seconds", "Unix time the process started", Gauge,
                  StartTime());
  return std::move(families).Take();
}

}  // namespace tune
