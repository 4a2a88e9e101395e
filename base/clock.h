// Time comes through this interface, so that a test can bend it.
#pragma once

#include "absl/time/time.h"

namespace tune {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time: for people and records, never for deadlines.
  virtual absl::Time Now() = 0;
  // Time since an arbitrary origin; never steps back, and counts while the
  // machine is suspended (CLOCK_BOOTTIME). For deadlines.
  virtual absl::Duration Monotonic() = 0;
};

class SystemClock : public Clock {
 public:
  absl::Time Now() override;
  absl::Duration Monotonic() override;
};

}  // namespace tune
