// What the scheduler keeps, behind an interface: typed rows, no SQL outside.
//
// Reads see the last commit. Writes are functions that run inside a transaction: all of
// one function's changes become durable together, or none do. Functions run one after
// another on one thread; several share one commit, and a failing one takes back only its
// own changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/core/job.h"
#include "server/core/lease.h"
#include "server/core/registry.h"
#include "server/core/worker.h"
#include "server/store/hot_state.h"

namespace tune::server {

struct JobFilter {
  std::vector<JobState> states;  // empty: all
  int64_t before_order = 0;      // only jobs with a lower submit_order; 0: all
  int64_t limit = 50;
};

// The job that a request_id has made, and the digest of the request's body.
struct SubmitRecord {
  std::string job_id;
  std::string body_digest;
};

// What a person has ordered of a job by a request_id.
struct OrderRecord {
  std::string job_id;
  std::string kind;  // "cancel", "pause", …
};

struct CheckpointFilter {
  std::string job_id;        // "": of all jobs
  int64_t before_order = 0;  // only those registered earlier than this one; 0: all
  int64_t limit = 50;
};

struct CheckpointRow {
  int64_t order = 0;  // rises with every checkpoint registered
  Checkpoint checkpoint;
};

// A file of a dataset, a model or a checkpoint.
struct BlobUser {
  std::string resource;  // "models/M"
  std::string path;      // of the file inside it
};

inline constexpr int64_t kKeptDataReports = 1000;

// Lookups by id are NOT_FOUND, naming the resource, where nothing is there.
class Reader {
 public:
  virtual ~Reader() = default;

  // Without attempts and queue position.
  virtual absl::StatusOr<Job> GetJob(const std::string& id) = 0;
  // Newest first, without the spec's sample_prompts and prompt_template.
  virtual absl::StatusOr<std::vector<Job>> ListJobs(const JobFilter& filter) = 0;
  // Jobs that this worker holds; "": that any does.
  virtual absl::StatusOr<std::vector<Job>> HeldJobs(const std::string& worker_id) = 0;
  virtual absl::StatusOr<std::optional<SubmitRecord>> FindSubmit(const std::string& request_id) = 0;
  virtual absl::StatusOr<std::optional<OrderRecord>> FindOrder(const std::string& request_id) = 0;
  // Ids of the jobs that wait for this one to end, by name.
  virtual absl::StatusOr<std::vector<std::string>> ListDependents(const std::string& job_id) = 0;
  // Of the QUEUED jobs that wait before their next attempt, by id.
  virtual absl::StatusOr<std::map<std::string, absl::Duration>> RetryDelays() = 0;
  virtual absl::StatusOr<std::map<JobState, int64_t>> CountJobs() = 0;

  virtual absl::StatusOr<std::vector<Attempt>> ListAttempts(const std::string& job_id) = 0;
  virtual absl::StatusOr<Attempt> GetAttempt(const std::string& job_id, int32_t number) = 0;
  // The attempt that an AcquireLease with this request_id began, and its job.
  virtual absl::StatusOr<std::optional<LeaseKey>> FindLease(const std::string& request_id) = 0;

  // After `after_seq`, in order.
  virtual absl::StatusOr<std::vector<JobEvent>> ListEvents(const std::string& job_id,
                                                           int64_t after_seq, int64_t limit) = 0;

  virtual absl::StatusOr<WorkerRecord> GetWorker(const std::string& id) = 0;
  // By id, those after `after_id`; with their cordons, as GetWorker.
  virtual absl::StatusOr<std::vector<WorkerRecord>> ListWorkers(const std::string& after_id,
                                                                int64_t limit) = 0;

  // By user: what each has had, and may have.
  virtual absl::StatusOr<std::map<std::string, Usage>> ListUsages() = 0;
  virtual absl::StatusOr<std::map<std::string, Quota>> ListQuotas() = 0;

  virtual absl::StatusOr<Dataset> GetDataset(const std::string& id) = 0;
  // The report that PutDataReport kept under `key`, as text; nothing where there is none.
  virtual absl::StatusOr<std::optional<std::string>> FindDataReport(const std::string& key) = 0;
  virtual absl::StatusOr<std::vector<Dataset>> ListDatasets(const std::string& after_id,
                                                            int64_t limit) = 0;
  virtual absl::StatusOr<Model> GetModel(const std::string& id) = 0;
  virtual absl::StatusOr<std::vector<Model>> ListModels(const std::string& after_id,
                                                        int64_t limit) = 0;
  // A job that is not over and whose spec names this resource ("datasets/D").
  virtual absl::StatusOr<std::optional<std::string>> FindUser(const std::string& resource) = 0;
  // The ids of all QUEUED jobs whose spec names it.
  virtual absl::StatusOr<std::vector<std::string>> FindQueuedUsers(const std::string& resource) = 0;

  virtual absl::StatusOr<Checkpoint> GetCheckpoint(const std::string& job_id,
                                                   const std::string& id) = 0;
  // Newest first.
  virtual absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(
      const CheckpointFilter& filter) = 0;
  virtual absl::StatusOr<int64_t> CountCheckpoints() = 0;

  // Whether a dataset, model or checkpoint has a file with this content.
  virtual absl::StatusOr<bool> IsBlobReferenced(const std::string& sha256) = 0;
  // Every file that has this content, by resource.
  virtual absl::StatusOr<std::vector<BlobUser>> FindBlobUsers(const std::string& sha256) = 0;
};

class Transaction : public Reader {
 public:
  // submit_order is assigned; `waits_for` is kept with it. ALREADY_EXISTS for a taken id.
  // `request_id` "" for none.
  virtual absl::StatusOr<Job> InsertJob(const Job& job, const std::string& request_id,
                                        const std::string& body_digest) = 0;
  // Writes what can change of `after` where the row still has the id, state and epoch of
  // `before`; else ABORTED. INTERNAL for a move that core/job_state.h forbids, or for an
  // epoch that falls.
  virtual absl::Status UpdateJob(const Job& before, const Job& after) = 0;

  // `job_id` waits for `after_id` no longer. UpdateJob tells the queue.
  virtual absl::Status DeleteDependency(const std::string& job_id, const std::string& after_id) = 0;
  // ALREADY_EXISTS for a taken request_id. It goes with its job.
  virtual absl::Status InsertOrder(const std::string& request_id, const OrderRecord& order) = 0;

  // Removes a job that is over, with its attempts, events and checkpoints. Another job of the id
  // has this one's epoch to begin with. ABORTED where the row has another state or epoch.
  virtual absl::Status DeleteJob(const Job& job) = 0;

  virtual absl::Status InsertAttempt(const std::string& job_id, int64_t epoch,
                                     const Attempt& attempt) = 0;
  // What can change: incarnation, times, steps, result, message, last_report_seq. NOT_FOUND.
  virtual absl::Status UpdateAttempt(const std::string& job_id, const Attempt& attempt) = 0;

  // Returns the seq assigned.
  virtual absl::StatusOr<int64_t> AppendEvent(const std::string& job_id, const JobEvent& event) = 0;

  // Its cordon stays as it is.
  virtual absl::Status PutWorker(const WorkerRecord& worker) = 0;
  // OK where there is none. Its cordon stays.
  virtual absl::Status DeleteWorker(const std::string& id) = 0;
  // Of a worker's name, there or not. Replaces an earlier one.
  virtual absl::Status PutCordon(const std::string& worker_id, const Cordon& cordon) = 0;
  // Whether there was one.
  virtual absl::StatusOr<bool> DeleteCordon(const std::string& worker_id) = 0;

  // Nullopt takes it away.
  virtual absl::Status PutQuota(const std::string& user, const std::optional<Quota>& quota) = 0;
  // The user has had so much more of the fleet (core/usage.h).
  virtual absl::Status AddUsage(const std::string& user, double device_seconds, absl::Time now) = 0;

  // ALREADY_EXISTS for a taken id.
  virtual absl::Status InsertDataset(const Dataset& dataset) = 0;
  // Replaces what is there under `key`. Of those that were put last, kKeptDataReports stay.
  virtual absl::Status PutDataReport(const std::string& key, const std::string& report) = 0;
  virtual absl::Status DeleteDataset(const std::string& id) = 0;
  virtual absl::Status InsertModel(const Model& model) = 0;
  virtual absl::Status DeleteModel(const std::string& id) = 0;
  virtual absl::Status InsertCheckpoint(const Checkpoint& checkpoint) = 0;
  virtual absl::Status DeleteCheckpoint(const std::string& job_id, const std::string& id) = 0;
};

// Thread-safe. Errors beyond those of the rows: RESOURCE_EXHAUSTED on a full disk,
// UNAVAILABLE where the database is busy, DATA_LOSS where it is corrupt,
// FAILED_PRECONDITION where another scheduler has taken it over.
class Store {
 public:
  virtual ~Store() = default;

  // Runs `write` on the writer thread and returns its status; OK only after the commit.
  // `write` must not call the store itself, nor wait for anything.
  virtual absl::Status Write(absl::FunctionRef<absl::Status(Transaction&)> write) = 0;
  // All that `read` sees is of one moment.
  virtual absl::Status Read(absl::FunctionRef<absl::Status(Reader&)> read) = 0;
  // The queue and the fleet in memory, as the writer has them: ahead of what Read sees by the
  // changes of a commit that is on its way, and for a write with the changes that it has made. May
  // be asked inside Read and Write.
  virtual const HotState& hot() = 0;
  // Of the database and its log on disk.
  virtual absl::StatusOr<int64_t> SizeBytes() = 0;
  // Made at random with the database, and kept as long as it is.
  virtual absl::StatusOr<std::string> DatabaseId() = 0;
  // Reads all of it: what is wrong with it, for people; empty where it is whole.
  virtual absl::StatusOr<std::vector<std::string>> CheckIntegrity() = 0;
};

}  // namespace tune::server
