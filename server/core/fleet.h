// The workers in memory, each with what its leases leave free.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/core/placement.h"
#include "server/core/quota.h"
#include "server/core/worker.h"

namespace tune::server {

// Not thread-safe.
class Fleet {
 public:
  // Replaces what is there under the worker's id.
  void Put(const WorkerRecord& worker);
  void Remove(const std::string& worker_id);
  // The job is held by this worker, registered or not, and by no other.
  void Hold(const std::string& worker_id, const HeldJob& job);
  void Release(const std::string& job_id);

  // Null where there is none; good until the next change.
  const WorkerRecord* FindWorker(const std::string& worker_id) const;
  const WorkerSlot* FindSlot(const std::string& worker_id) const;
  // Null for a job that nobody holds; `worker_id` may be null.
  const HeldJob* FindHeld(const std::string& job_id, std::string* worker_id) const;
  // What workers hold for a user, and for each who has any.
  Holdings HoldingsOf(const std::string& owner) const;
  const std::map<std::string, Holdings>& HoldingsByOwner() const { return holdings_; }
  // Of all jobs that are held; nullopt where none is.
  std::optional<int64_t> LowestPriority() const;
  // By id.
  std::vector<const WorkerSlot*> Slots() const;

 private:
  struct Entry {
    std::optional<WorkerRecord> worker;
    WorkerSlot empty;                     // without its leases
    WorkerSlot slot;                      // with them
    std::map<std::string, HeldJob> held;  // by id
  };
  void Settle(const std::string& worker_id);
  void Count(const HeldJob& job, int64_t by);
  // One copy of each list: those of one trainer's version have the same.
  FieldPaths Shared(const FieldPaths& paths);

  std::map<std::vector<std::string>, FieldPaths> fields_;
  std::map<std::string, Entry> entries_;                   // by worker
  absl::flat_hash_map<std::string, std::string> holders_;  // by job
  std::map<std::string, Holdings> holdings_;               // by owner; none is empty
};

}  // namespace tune::server
