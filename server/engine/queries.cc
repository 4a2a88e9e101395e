#include "server/engine/queries.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"
#include "server/core/placement.h"
#include "server/engine/snapshot.h"

namespace tune::server {
namespace {

constexpr int64_t kAllWorkers = 100000;
constexpr int64_t kMaxEvents = 1000;
constexpr int64_t kAttemptTextBytes = 1 << 20;
constexpr size_t kShortMessageBytes = 256;

std::string WithHistory(const Job& job, const std::string& message) {
  if (job.message.empty()) return message;
  return absl::StrCat("attempt ", job.attempt, ": ", job.message, "; now: ", message);
}

// So that a job of many attempts fits into a message: beyond the newest kAttemptTextBytes the
// attempts' messages are shortened.
void ShortenMessages(std::vector<Attempt>& attempts) {
  int64_t room = kAttemptTextBytes;
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    room -= static_cast<int64_t>(attempt->message.size());
    if (room >= 0 || attempt->message.size() <= kShortMessageBytes) continue;
    attempt->message = absl::StrCat(CutUtf8(attempt->message, kShortMessageBytes), "…");
  }
}

}  // namespace

Queries::Queries(Store& store, BlobStore& blobs, Liveness& liveness)
    : store_(store), blobs_(blobs), liveness_(liveness) {}

absl::Status Queries::ExplainQueued(Reader& reader, std::vector<Job>& jobs) {
  const auto waits = [](const Job& job) { return job.state == JobState::kQueued; };
  if (absl::c_none_of(jobs, waits)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const HarmedJobs harmed, FindHarmedJobs(reader, blobs_));
  store_.hot().Read([&](const JobQueue& queue, const Fleet& fleet, const Quotas& quotas) {
    const Workers live = LiveFleet(fleet, liveness_);
    for (Job& job : jobs) {
      if (!waits(job)) continue;
      const QueuedJob* const queued = queue.Find(job.id);
      if (queued == nullptr) continue;  // a moment ago a worker got it, or it was cancelled
      const WaitReason why = ExplainWait(JobNow(*queued, liveness_, harmed, fleet, quotas), live);
      job.queue_position = static_cast<int32_t>(queue.Position(*queued));
      job.reason = why.reason;
      job.message = WithHistory(job, why.message);
    }
  });
  return absl::OkStatus();
}

absl::StatusOr<Job> Queries::GetJob(const std::string& job_id) {
  std::vector<Job> jobs(1);
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(jobs[0], reader.GetJob(job_id));
    ASSIGN_OR_RETURN(jobs[0].attempts, reader.ListAttempts(job_id));
    ShortenMessages(jobs[0].attempts);
    return ExplainQueued(reader, jobs);
  }));
  return std::move(jobs[0]);
}

absl::StatusOr<Page<Job>> Queries::ListJobs(const std::vector<JobState>& states,
                                            const PageRequest& page) {
  ASSIGN_OR_RETURN(const int64_t size, PageSize(page));
  ASSIGN_OR_RETURN(const int64_t before, DecodeOrderToken(page.token));
  std::vector<Job> jobs;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(jobs, reader.ListJobs({states, before, size + 1}));
    return ExplainQueued(reader, jobs);
  }));
  return CutPage(std::move(jobs), size,
                 [](const Job& job) { return absl::StrCat(job.submit_order); });
}

absl::StatusOr<std::vector<JobEvent>> Queries::ListEvents(const std::string& job_id,
                                                          int64_t after_seq, int64_t limit) {
  std::vector<JobEvent> events;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    RETURN_IF_ERROR(reader.GetJob(job_id).status());
    ASSIGN_OR_RETURN(
        events, reader.ListEvents(job_id, after_seq, std::clamp<int64_t>(limit, 1, kMaxEvents)));
    return absl::OkStatus();
  }));
  return events;
}

absl::StatusOr<WorkerRecord> Queries::GetWorker(const std::string& worker_id) {
  WorkerRecord worker;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(worker, reader.GetWorker(worker_id));
    return absl::OkStatus();
  }));
  liveness_.Complete(worker);
  return worker;
}

absl::StatusOr<Page<WorkerRecord>> Queries::ListWorkers(const PageRequest& page) {
  ASSIGN_OR_RETURN(const int64_t size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string after, DecodePageToken(page.token));
  std::vector<WorkerRecord> workers;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(workers, reader.ListWorkers(after, size + 1));
    return absl::OkStatus();
  }));
  for (WorkerRecord& worker : workers) liveness_.Complete(worker);
  return CutPage(std::move(workers), size, [](const WorkerRecord& worker) { return worker.id; });
}

absl::StatusOr<QueueStats> Queries::Stats() {
  QueueStats stats;
  std::vector<WorkerRecord> workers;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(stats.jobs, reader.CountJobs());
    ASSIGN_OR_RETURN(stats.checkpoints, reader.CountCheckpoints());
    ASSIGN_OR_RETURN(workers, reader.ListWorkers("", kAllWorkers));
    return absl::OkStatus();
  }));
  store_.hot().Read([&](const JobQueue& queue, const Fleet&) {
    stats.oldest_queued_time = queue.OldestQueueTime();
  });
  stats.workers = {{WorkerState::kIdle, 0},    {WorkerState::kBusy, 0},
                   {WorkerState::kLost, 0},    {WorkerState::kUnhealthy, 0},
                   {WorkerState::kUnknown, 0}, {WorkerState::kCordoned, 0}};
  for (WorkerRecord& worker : workers) {
    liveness_.Complete(worker);
    ++stats.workers[worker.state];
  }
  ASSIGN_OR_RETURN(stats.store_size_bytes, store_.SizeBytes());
  return stats;
}

}  // namespace tune::server
