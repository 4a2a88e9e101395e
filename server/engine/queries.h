// Looking at jobs, their history, the queue and the fleet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/core/job.h"
#include "server/core/worker.h"
#include "server/engine/blobs.h"
#include "server/engine/liveness.h"
#include "server/engine/page.h"
#include "server/store/store.h"

namespace tune::server {

// For the metrics.
struct QueueStats {
  std::map<JobState, int64_t> jobs;              // every state has an entry
  std::optional<absl::Time> oldest_queued_time;  // absent where the queue is empty
  std::map<WorkerState, int64_t> workers;        // every state has an entry
  int64_t checkpoints = 0;
  int64_t store_size_bytes = 0;  // the database and its log
};

// Thread-safe; reads never wait for writes.
class Queries {
 public:
  Queries(Store& store, BlobStore& blobs, Liveness& liveness);

  // With attempts; for a QUEUED job with its queue position and why it waits. NOT_FOUND.
  absl::StatusOr<Job> GetJob(const std::string& job_id);
  // Newest first; `states` empty: all. Attempts are left out, and the spec's sample_prompts
  // and prompt_template.
  absl::StatusOr<Page<Job>> ListJobs(const std::vector<JobState>& states, const PageRequest& page);

  // Events with a higher seq, in order, at most `limit`. NOT_FOUND for an unknown job.
  absl::StatusOr<std::vector<JobEvent>> ListEvents(const std::string& job_id, int64_t after_seq,
                                                   int64_t limit = 100);

  absl::StatusOr<WorkerRecord> GetWorker(const std::string& worker_id);
  // By name.
  absl::StatusOr<Page<WorkerRecord>> ListWorkers(const PageRequest& page);

  absl::StatusOr<QueueStats> Stats();

 private:
  // Fills queue_position, reason and message of the QUEUED ones.
  absl::Status ExplainQueued(Reader& reader, std::vector<Job>& jobs);

  Store& store_;
  BlobStore& blobs_;
  Liveness& liveness_;
};

}  // namespace tune::server
