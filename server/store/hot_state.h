// What placement asks all the time, kept in memory beside the rows it comes from: the queue, the
// workers, and what the held jobs take of them. The one writer changes it with the rows, and takes
// the change back where the rows' change is taken back; at the start it is read from the rows,
// which stay the truth.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "server/core/fleet.h"
#include "server/core/job.h"
#include "server/core/job_queue.h"
#include "server/core/quota.h"
#include "server/core/usage.h"
#include "server/core/worker.h"

namespace tune::server {

// Of a QUEUED job; without its fields where the stored spec cannot be read.
QueuedJob QueuedJobOf(const Job& job);

// Of one that is held.
HeldJob HeldJobOf(const Job& job);

// Thread-safe: one writes, many read.
class HotState {
 public:
  void Read(absl::FunctionRef<void(const JobQueue&, const Fleet&)> read) const;
  // With the quotas of the same moment.
  void Read(absl::FunctionRef<void(const JobQueue&, const Fleet&, const Quotas&)> read) const;

  // The job's row is this one now.
  void PutJob(const Job& job);
  void PutQueued(const QueuedJob& job);
  void PutUsage(const std::string& user, const Usage& usage);
  void PutQuota(const std::string& user, const std::optional<Quota>& quota);
  // None where the user has had nothing.
  Usage UsageOf(const std::string& user) const;
  void PutWorker(const WorkerRecord& worker);
  void RemoveWorker(const std::string& worker_id);

  // A dataset or a model came or went.
  void NoteRegistryChange() { ++registry_changes_; }
  // How many such changes there have been since the start, those taken back too: where the number
  // is the same, so are all datasets and models.
  int64_t registry_changes() const { return registry_changes_; }

  // How many changes there are that may be taken back.
  size_t Mark() const { return undo_.size(); }
  // Takes back all changes after the first `mark`.
  void TakeBack(size_t mark);
  // None is taken back any more.
  void Keep() { undo_.clear(); }

 private:
  void Rank(const std::string& user, const Usage& usage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Place(const std::string& id, const QueuedJob* queued, const std::string& worker_id,
             const HeldJob* held) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the worker is known to hold the job so.
  bool Holds(const std::string& worker_id, const HeldJob& job) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteJob(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteWorker(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  JobQueue queue_ ABSL_GUARDED_BY(mutex_);
  Fleet fleet_ ABSL_GUARDED_BY(mutex_);
  Quotas quotas_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Usage> usages_ ABSL_GUARDED_BY(mutex_);  // by user
  std::atomic<int64_t> registry_changes_ = 0;
  std::vector<std::function<void()>> undo_;  // the writer's alone; each is run under mutex_
};

}  // namespace tune::server
