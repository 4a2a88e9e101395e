// How long to wait before the next try.
#pragma once

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace tune::worker {

struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(200);
  absl::Duration longest = absl::Seconds(10);
};

// Doubles from `first` to `longest`, each with a random share of up to one half taken off,
// so that many workers do not come back at the same moment. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(BackoffOptions options) : options_(options), next_(options.first) {}

  absl::Duration Next() {
    const absl::Duration base = next_;
    next_ = std::min(base * 2, options_.longest);
    return base * absl::Uniform(random_, 0.5, 1.0);
  }
  void Reset() { next_ = options_.first; }

 private:
  const BackoffOptions options_;
  absl::Duration next_;
  absl::BitGen random_;
};

}  // namespace tune::worker
