#include "server/engine/running_checks.h"

#include "base/status.h"

namespace tune::server {
namespace {

constexpr absl::Duration kTellEvery = absl::Milliseconds(200);

}  // namespace

absl::Status RunningChecks::Begin(const std::string& key, const OnRows& on_rows) {
  while (const auto rows = TakeOrWait(key)) RETURN_IF_ERROR(on_rows(*rows));
  return absl::OkStatus();
}

std::optional<int64_t> RunningChecks::TakeOrWait(const std::string& key) {
  const auto is_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !rows_.contains(key); };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&is_free), kTellEvery)) return rows_.at(key);
  rows_[key] = 0;
  return std::nullopt;
}

void RunningChecks::SetRows(const std::string& key, int64_t rows) {
  absl::MutexLock lock(&mutex_);
  rows_.at(key) = rows;
}

void RunningChecks::End(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  rows_.erase(key);
}

}  // namespace tune::server
