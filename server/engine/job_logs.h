// The trainers' output, one file per attempt: DIR/logs/JOB/ATTEMPT.log.
#pragma once

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace tune::server {

// Thread-safe. A log is a convenience: it is not synced, and its loss loses no job.
class JobLogs {
 public:
  // What an attempt's log holds at most; then a line says that it was cut.
  static constexpr int64_t kMaxBytes = 64 << 20;

  explicit JobLogs(std::string data_dir, int64_t max_bytes = kMaxBytes);

  // `offset`: where `data` begins in the worker's log; bytes already held are passed over,
  // a gap appends nothing. Returns the bytes held: the worker goes on from there. A full
  // log answers offset + size, so that the worker goes on.
  absl::StatusOr<int64_t> Append(const std::string& job_id, int32_t attempt, int64_t offset,
                                 absl::string_view data);

  // At most max_bytes from `offset`; "" at the end and where there is no log yet.
  absl::StatusOr<std::string> Read(const std::string& job_id, int32_t attempt, int64_t offset,
                                   int64_t max_bytes);

  // All attempts' logs. OK where there is none.
  absl::Status Remove(const std::string& job_id);

  // Where the last `lines` lines begin; 0 where there are fewer, or lines is 0.
  absl::StatusOr<int64_t> TailOffset(const std::string& job_id, int32_t attempt, int64_t lines);

 private:
  std::string Path(const std::string& job_id, int32_t attempt) const;

  const std::string dir_;
  const int64_t max_bytes_;
  absl::Mutex mutex_;  // one append at a time
};

}  // namespace tune::server
