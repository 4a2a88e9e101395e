// The checks that run now, each by the key of its answer: who asks for the same waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace tune::server {

// Thread-safe.
class RunningChecks {
 public:
  // Hears of the rows read so far; its error ends what it hears of.
  using OnRows = std::function<absl::Status(int64_t rows)>;

  // Waits until nobody runs the check `key`, which is then the caller's until End. Meanwhile
  // `on_rows` hears several times a second how far the other is; its error ends the wait.
  absl::Status Begin(const std::string& key, const OnRows& on_rows);
  // Of a check that has begun.
  void SetRows(const std::string& key, int64_t rows);
  void End(const std::string& key);

 private:
  // Takes `key`, or, where another still runs it after a while, says how far that is.
  std::optional<int64_t> TakeOrWait(const std::string& key);

  absl::Mutex mutex_;
  std::map<std::string, int64_t> rows_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
