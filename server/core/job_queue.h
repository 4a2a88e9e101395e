// The QUEUED jobs in memory, in their order and by what they ask for: neither a job's place nor
// the next job for a worker costs a look at all of them. The order of the queue is priority,
// highest first, then how little its owner has used (core/usage.h), then the order of submission.
#pragma once

#include <cstdint>
#include <ext/pb_ds/assoc_container.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "server/core/queued_job.h"

namespace tune::server {

// Not thread-safe.
class JobQueue {
 public:
  using Judge = absl::FunctionRef<bool(const QueuedJob& job)>;

  // Replaces what is there under the job's id.
  void Put(const QueuedJob& job);
  void Remove(const std::string& id);
  // The jobs of an owner of a lower rank go before those of one of a higher; by itself every rank
  // is the same, and the lowest.
  void SetRank(const std::string& owner, double rank);

  // Null where there is none; good until the next change of that job.
  const QueuedJob* Find(const std::string& id) const;
  // How many jobs of the queue that wait for no other go before `job`. Takes O(log n) for each
  // owner of some.
  int64_t Position(const QueuedJob& job) const;
  size_t size() const { return jobs_.size(); }
  // Of those that wait for other jobs too, and by each owner of some.
  int64_t CountOf(const std::string& owner) const;
  const std::map<std::string, int64_t>& CountByOwner() const { return counts_; }
  // Of the jobs that wait for no other; nullopt where there is none.
  std::optional<int64_t> HighestPriority() const;
  // Since when the job waits that has waited longest for a worker.
  std::optional<absl::Time> OldestQueueTime() const;

  // The first job, in order, that waits for no other job, `fits` and that is `wanted`; null for
  // none. `fits` may look at the resources, the fields and the owner alone: it is asked once for
  // all jobs that ask the same.
  const QueuedJob* FindFirst(Judge fits, Judge wanted) const;

 private:
  // When a job's turn comes among those of its owner: a lower one goes first.
  using Turn = std::pair<int64_t, int64_t>;
  static Turn TurnOf(const QueuedJob& job) { return {-job.priority, job.submit_order}; }

  // What decides which workers a job fits, and whose it is.
  struct Needs {
    std::string owner;
    std::string device;
    int64_t gpus;
    int64_t host_memory_bytes;
    Labels worker_labels;
    std::vector<std::string> fields;

    auto operator<=>(const Needs&) const = default;
  };
  static Needs NeedsOf(const QueuedJob& job);

  // A red-black tree whose nodes know how many lie below them (libstdc++'s policy-based data
  // structures).
  using Turns =
      __gnu_pbds::tree<Turn, __gnu_pbds::null_type, std::less<Turn>, __gnu_pbds::rb_tree_tag,
                       __gnu_pbds::tree_order_statistics_node_update>;
  using Line = std::map<Turn, const QueuedJob*>;

  void LeaveLine(const QueuedJob& job);
  double RankOf(const std::string& owner) const;

  absl::flat_hash_map<std::string, std::unique_ptr<const QueuedJob>> jobs_;  // by id
  // Of those that wait for no other job, by owner; none is empty.
  std::map<std::string, Turns> turns_;
  absl::flat_hash_map<std::string, double> ranks_;  // by owner
  std::map<std::string, int64_t> counts_;           // by owner; none is 0
  std::map<Needs, Line> lines_;                     // none is empty
  std::multiset<absl::Time> queue_times_;
};

}  // namespace tune::server
