// Tells the log that the scheduler is away: once, then seldom, and when it is back.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"

namespace tune::worker {

// Not thread-safe.
class Outage {
 public:
  Outage(Clock& clock, std::string what) : clock_(clock), what_(std::move(what)) {}

  void Failed(const absl::Status& status) {
    const absl::Duration now = clock_.Monotonic();
    if (!since_) since_ = now;
    if (told_ && now - *told_ < absl::Minutes(1)) return;
    told_ = now;
    const absl::Duration lasted = absl::Trunc(now - *since_, absl::Seconds(1));
    spdlog::warn("{}: {}; goes on trying{}", what_, status.ToString(),
                 lasted > absl::ZeroDuration() ? ", for " + absl::FormatDuration(lasted) : "");
  }
  void Over() {
    if (since_) spdlog::info("{}: well again", what_);
    since_.reset();
    told_.reset();
  }

 private:
  Clock& clock_;
  const std::string what_;
  std::optional<absl::Duration> since_, told_;
};

}  // namespace tune::worker
