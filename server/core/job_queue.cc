#include "server/core/job_queue.h"

#include <algorithm>
#include <vector>

namespace tune::server {

JobQueue::Needs JobQueue::NeedsOf(const QueuedJob& job) {
  const ResourceSpec& resources = job.resources;
  Needs needs{
      resources.device, resources.gpus, resources.host_memory_bytes, resources.worker_labels, {}};
  if (job.fields_set != nullptr) needs.fields = *job.fields_set;
  return needs;
}

void JobQueue::Put(const QueuedJob& job) {
  Remove(job.id);
  auto kept = std::make_unique<const QueuedJob>(job);
  if (job.waits_for.empty()) {
    turns_.insert(TurnOf(job));
    lines_[NeedsOf(job)].emplace(TurnOf(job), kept.get());
    queue_times_.insert(job.queue_time);
  }
  jobs_.emplace(job.id, std::move(kept));
}

void JobQueue::Remove(const std::string& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  if (found->second->waits_for.empty()) LeaveLine(*found->second);
  jobs_.erase(found);
}

void JobQueue::LeaveLine(const QueuedJob& job) {
  turns_.erase(TurnOf(job));
  const auto line = lines_.find(NeedsOf(job));
  line->second.erase(TurnOf(job));
  if (line->second.empty()) lines_.erase(line);
  queue_times_.erase(queue_times_.find(job.queue_time));
}

const QueuedJob* JobQueue::Find(const std::string& id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : found->second.get();
}

int64_t JobQueue::Position(const QueuedJob& job) const {
  return static_cast<int64_t>(turns_.order_of_key(TurnOf(job)));
}

std::optional<int64_t> JobQueue::HighestPriority() const {
  if (turns_.empty()) return std::nullopt;
  return -turns_.begin()->first;
}

std::optional<absl::Time> JobQueue::OldestQueueTime() const {
  if (queue_times_.empty()) return std::nullopt;
  return *queue_times_.begin();
}

const QueuedJob* JobQueue::FindFirst(Judge fits, Judge wanted) const {
  struct Place {
    Line::const_iterator next, end;
  };
  const auto later = [](const Place& a, const Place& b) { return a.next->first > b.next->first; };
  std::vector<Place> places;  // a heap, the earliest turn first
  for (const auto& [needs, line] : lines_) {
    if (fits(*line.begin()->second)) places.push_back({line.begin(), line.end()});
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
