#include "server/core/job_queue.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

namespace tune::server {

JobQueue::Needs JobQueue::NeedsOf(const QueuedJob& job) {
  const ResourceSpec& resources = job.resources;
  Needs needs{job.owner,
              resources.device,
              resources.gpus,
              resources.host_memory_bytes,
              resources.worker_labels,
              {}};
  if (job.fields_set != nullptr) needs.fields = *job.fields_set;
  return needs;
}

void JobQueue::Put(const QueuedJob& job) {
  Remove(job.id);
  auto kept = std::make_unique<const QueuedJob>(job);
  if (job.waits_for.empty()) {
    turns_[job.owner].insert(TurnOf(job));
    lines_[NeedsOf(job)].emplace(TurnOf(job), kept.get());
    queue_times_.insert(job.queue_time);
  }
  ++counts_[job.owner];
  jobs_.emplace(job.id, std::move(kept));
}

void JobQueue::Remove(const std::string& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  if (found->second->waits_for.empty()) LeaveLine(*found->second);
  const auto count = counts_.find(found->second->owner);
  if (--count->second == 0) counts_.erase(count);
  jobs_.erase(found);
}

void JobQueue::LeaveLine(const QueuedJob& job) {
  const auto turns = turns_.find(job.owner);
  turns->second.erase(TurnOf(job));
  if (turns->second.empty()) turns_.erase(turns);
  const auto line = lines_.find(NeedsOf(job));
  line->second.erase(TurnOf(job));
  if (line->second.empty()) lines_.erase(line);
  queue_times_.erase(queue_times_.find(job.queue_time));
}

int64_t JobQueue::CountOf(const std::string& owner) const {
  const auto found = counts_.find(owner);
  return found == counts_.end() ? 0 : found->second;
}

void JobQueue::SetRank(const std::string& owner, double rank) { ranks_[owner] = rank; }

double JobQueue::RankOf(const std::string& owner) const {
  const auto found = ranks_.find(owner);
  return found == ranks_.end() ? -std::numeric_limits<double>::infinity() : found->second;
}

const QueuedJob* JobQueue::Find(const std::string& id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second.get();
}

int64_t JobQueue::Position(const QueuedJob& job) const {
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  const double rank = RankOf(job.owner);
  int64_t before = 0;
  for (const auto& [owner, turns] : turns_) {
    const double other = RankOf(owner);
    Turn end = TurnOf(job);
    if (other < rank) end = {1 - job.priority, kFirst};  // all of this priority go before it
    if (other > rank) end = {-job.priority, kFirst};
    before += static_cast<int64_t>(turns.order_of_key(end));
  }
  return before;
}

std::optional<int64_t> JobQueue::HighestPriority() const {
  std::optional<int64_t> highest;
  for (const auto& [owner, turns] : turns_) {
    const int64_t first = -turns.begin()->first;
    highest = std::max(highest.value_or(first), first);
  }
  return highest;
}

std::optional<absl::Time> JobQueue::OldestQueueTime() const {
  if (queue_times_.empty()) return std::nullopt;
  return *queue_times_.begin();
}

const QueuedJob* JobQueue::FindFirst(Judge fits, Judge wanted) const {
  struct Place {
    Line::const_iterator next, end;
    double rank;
    auto Turn() const { return std::tuple(next->first.first, rank, next->first.second); }
  };
  const auto later = [](const Place& a, const Place& b) { return a.Turn() > b.Turn(); };
  std::vector<Place> places;  // a heap, the earliest turn first
  for (const auto& [needs, line] : lines_) {
    if (!fits(*line.begin()->second)) continue;
    places.push_back({line.begin(), line.end(), RankOf(needs.owner)});
  }
  std::make_heap(places.begin(), places.end(), later);
  while (!places.empty()) {
    std::pop_heap(places.begin(), places.end(), later);
    Place& place = places.back();
    const QueuedJob* const job = place.next->second;
    if (wanted(*job)) return job;
    if (++place.next == place.end) {
      places.pop_back();
    } else {
      std::push_heap(places.begin(), places.end(), later);
    }
  }
  return nullptr;
}

}  // namespace tune::server
