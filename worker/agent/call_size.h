// How much one call to the scheduler carries, so that it is answered in time on any link.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"

namespace tune::worker {

// Halves when a call's deadline passes and doubles when one is answered, between 1 KiB and
// 1 MiB. It starts low: what was handed to a link cannot be taken back, and a slow one must first
// carry it. Not thread-safe.
class CallSize {
 public:
  int64_t bytes() const { return bytes_; }

  void Judge(const absl::Status& call) {
    if (call.ok()) bytes_ = std::min(bytes_ * 2, kMost);
    if (absl::IsDeadlineExceeded(call)) bytes_ = std::max(bytes_ / 2, kLeast);
  }

 private:
  static constexpr int64_t kLeast = 1 << 10, kFirst = 8 << 10, kMost = 1 << 20;

  int64_t bytes_ = kFirst;
};

}  // namespace tune::worker
