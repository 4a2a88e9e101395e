#include "server/core/bench.h"

#include <algorithm>

namespace tune::server {

absl::Duration Bench::WorkerFailed(const std::string& worker, const std::string& reason,
                                   absl::Duration now) {
  Record& record = records_[worker];
  record.span = std::clamp(record.span * 2, kFirst, kLongest);
  record.benching = {now + record.span, reason};
  return record.benching.until;
}

bool Bench::JobFailed(const std::string& worker, const std::string& job, const std::string& reason,
                      absl::Duration now) {
  Record& record = records_[worker];
  const bool another = !record.failed_job.empty() && record.failed_job != job;
  record.failed_job = job;
  if (another) WorkerFailed(worker, reason, now);
  return another;
}

void Bench::Mended(const std::string& worker) {
  const auto found = records_.find(worker);
  if (found != records_.end()) found->second.benching = {};
}

void Bench::WentWell(const std::string& worker) { records_.erase(worker); }

std::optional<Benching> Bench::Find(const std::string& worker, absl::Duration now) const {
  const auto found = records_.find(worker);
  if (found == records_.end() || found->second.benching.until <= now) return std::nullopt;
  return found->second.benching;
}

}  // namespace tune::server
