#include "server/core/fleet.h"

#include <algorithm>

namespace tune::server {

void Fleet::Put(const WorkerRecord& worker) {
  Entry& entry = entries_[worker.id];
  entry.worker = worker;
  entry.empty = MakeSlot(worker);
  entry.empty.spec_fields = Shared(entry.empty.spec_fields);
  Settle(worker.id);
}

void Fleet::Remove(const std::string& worker_id) {
  const auto found = entries_.find(worker_id);
  if (found == entries_.end()) return;
  found->second.worker.reset();
  Settle(worker_id);
}

void Fleet::Hold(const std::string& worker_id, const HeldJob& job) {
  Release(job.id);
  entries_[worker_id].held.insert_or_assign(job.id, job);
  holders_[job.id] = worker_id;
  Count(job, 1);
  Settle(worker_id);
}

void Fleet::Release(const std::string& job_id) {
  const auto holder = holders_.find(job_id);
  if (holder == holders_.end()) return;
  const std::string worker_id = holder->second;
  holders_.erase(holder);
  const auto held = entries_[worker_id].held.extract(job_id);
  Count(held.mapped(), -1);
  Settle(worker_id);
}

void Fleet::Count(const HeldJob& job, int64_t by) {
  Holdings& holdings = holdings_[job.owner];
  holdings.jobs += by;
  holdings.gpus += by * static_cast<int64_t>(job.gpus.size());
  if (holdings.jobs == 0) holdings_.erase(job.owner);
}

Holdings Fleet::HoldingsOf(const std::string& owner) const {
  const auto found = holdings_.find(owner);
  return found == holdings_.end() ? Holdings() : found->second;
}

const WorkerRecord* Fleet::FindWorker(const std::string& worker_id) const {
  const auto found = entries_.find(worker_id);
  return found == entries_.end() || !found->second.worker ? nullptr : &*found->second.worker;
}

const WorkerSlot* Fleet::FindSlot(const std::string& worker_id) const {
  const auto found = entries_.find(worker_id);
  return found == entries_.end() || !found->second.worker ? nullptr : &found->second.slot;
}

const HeldJob* Fleet::FindHeld(const std::string& job_id, std::string* worker_id) const {
  const auto holder = holders_.find(job_id);
  if (holder == holders_.end()) return nullptr;
  if (worker_id != nullptr) *worker_id = holder->second;
  return &entries_.at(holder->second).held.at(job_id);
}

std::optional<int64_t> Fleet::LowestPriority() const {
  std::optional<int64_t> lowest;
  for (const auto& [worker, entry] : entries_) {
    for (const auto& [id, job] : entry.held) {
      lowest = std::min(lowest.value_or(job.priority), job.priority);
    }
  }
  return lowest;
}

std::vector<const WorkerSlot*> Fleet::Slots() const {
  std::vector<const WorkerSlot*> slots;
  for (const auto& [id, entry] : entries_) {
    if (entry.worker) slots.push_back(&entry.slot);
  }
  return slots;
}

FieldPaths Fleet::Shared(const FieldPaths& paths) {
  return paths == nullptr ? nullptr : fields_.emplace(*paths, paths).first->second;
}

// What the worker has left, after a change; one of which nothing is known is forgotten.
void Fleet::Settle(const std::string& worker_id) {
  Entry& entry = entries_[worker_id];
  if (!entry.worker && entry.held.empty()) {
    entries_.erase(worker_id);
    return;
  }
  entry.slot = entry.empty;
  for (const auto& [id, job] : entry.held) Occupy(job, entry.slot);
}

}  // namespace tune::server
