// What /proc tells of this process.
#pragma once

#include <cstdint>

namespace tune::worker {

struct ProcessStats {
  double cpu_seconds = 0;
  int64_t resident_bytes = 0;
  int64_t open_fds = 0;
  int64_t max_fds = 0;
};

// Zeros for what cannot be read.
ProcessStats ReadProcessStats();

}  // namespace tune::worker
