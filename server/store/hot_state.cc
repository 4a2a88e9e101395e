#include "server/store/hot_state.h"

#include <memory>
#include <optional>
#include <set>

#include "run/known_settings.h"
#include "run/reason.h"
#include "server/core/spec_fit.h"

namespace tune::server {
namespace {

// Of a worker's trainer, sorted.
std::vector<std::string> WhatItAsks(const Job& job) {
  std::set<std::string> asked;
  if (const auto fields = FieldsSet(job.spec_json); fields.ok()) {
    asked.insert(fields->begin(), fields->end());
  }
  for (const auto& [dataset, kind] : job.file_kinds) asked.insert(FileSetting(kind));
  return {asked.begin(), asked.end()};
}

}  // namespace

HeldJob HeldJobOf(const Job& job) {
  return {.id = job.id,
          .resources = job.spec.resources,
          .gpus = job.gpus,
          .epoch = job.epoch,
          .priority = job.spec.priority,
          .owner = job.owner,
          .yields = !job.yield_reason.empty(),
          .preempted = job.yield_reason == kPreempted};
}

QueuedJob QueuedJobOf(const Job& job) {
  QueuedJob queued;
  queued.id = job.id;
  queued.priority = job.spec.priority;
  queued.submit_order = job.submit_order;
  queued.owner = job.owner;
  queued.resources = job.spec.resources;
  queued.avoids = job.avoids;
  queued.waits_for = job.waits_for;
  queued.queue_time = job.queue_time;
  queued.file_kinds = job.file_kinds;
  std::vector<std::string> asked = WhatItAsks(job);
  if (!asked.empty()) {
    queued.fields_set = std::make_shared<const std::vector<std::string>>(std::move(asked));
  }
  return queued;
}

void HotState::Read(absl::FunctionRef<void(const JobQueue&, const Fleet&)> read) const {
  absl::ReaderMutexLock lock(&mutex_);
  read(queue_, fleet_);
}

void HotState::Read(
    absl::FunctionRef<void(const JobQueue&, const Fleet&, const Quotas&)> read) const {
  absl::ReaderMutexLock lock(&mutex_);
  read(queue_, fleet_, quotas_);
}

void HotState::PutQuota(const std::string& user, const std::optional<Quota>& quota) {
  absl::MutexLock lock(&mutex_);
  undo_.push_back([this, user, before = quotas_.Find(user)]()
                      ABSL_NO_THREAD_SAFETY_ANALYSIS { quotas_.Put(user, before); });
  quotas_.Put(user, quota);
}

// The job is queued, held or neither.
void HotState::Place(const std::string& id, const QueuedJob* queued, const std::string& worker_id,
                     const HeldJob* held) {
  queue_.Remove(id);
  fleet_.Release(id);
  if (queued != nullptr) queue_.Put(*queued);
  if (held != nullptr) fleet_.Hold(worker_id, *held);
}

void HotState::NoteJob(const std::string& id) {
  std::optional<QueuedJob> queued;
  std::optional<HeldJob> held;
  std::string worker_id;
  if (const QueuedJob* const job = queue_.Find(id)) queued = *job;
  if (const HeldJob* const job = fleet_.FindHeld(id, &worker_id)) held = *job;
  undo_.push_back([this, id, queued, held, worker_id]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Place(id, queued ? &*queued : nullptr, worker_id, held ? &*held : nullptr);
  });
}

void HotState::PutJob(const Job& job) {
  if (job.state == JobState::kQueued) return PutQueued(QueuedJobOf(job));
  const HeldJob held = HeldJobOf(job);
  absl::MutexLock lock(&mutex_);
  if (IsHeld(job.state) && Holds(job.worker_id, held))
    return;  // most changes are news of its progress
  NoteJob(job.id);
  Place(job.id, nullptr, job.worker_id, IsHeld(job.state) ? &held : nullptr);
}

bool HotState::Holds(const std::string& worker_id, const HeldJob& job) const {
  std::string holder;
  const HeldJob* const held = fleet_.FindHeld(job.id, &holder);
  return held != nullptr && holder == worker_id && held->gpus == job.gpus &&
         held->epoch == job.epoch && held->yields == job.yields && held->preempted == job.preempted;
}

void HotState::PutQueued(const QueuedJob& job) {
  absl::MutexLock lock(&mutex_);
  NoteJob(job.id);
  Place(job.id, &job, "", nullptr);
}

void HotState::Rank(const std::string& user, const Usage& usage) {
  usages_[user] = usage;
  queue_.SetRank(user, UsageRank(usage));
}

void HotState::PutUsage(const std::string& user, const Usage& usage) {
  absl::MutexLock lock(&mutex_);
  undo_.push_back([this, user, before = usages_[user]]()
                      ABSL_NO_THREAD_SAFETY_ANALYSIS { Rank(user, before); });
  Rank(user, usage);
}

Usage HotState::UsageOf(const std::string& user) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = usages_.find(user);
  return found == usages_.end() ? Usage() : found->second;
}

void HotState::NoteWorker(const std::string& id) {
  std::optional<WorkerRecord> before;
  if (const WorkerRecord* const worker = fleet_.FindWorker(id)) before = *worker;
  undo_.push_back([this, id, before]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    before ? fleet_.Put(*before) : fleet_.Remove(id);
  });
}

void HotState::PutWorker(const WorkerRecord& worker) {
  absl::MutexLock lock(&mutex_);
  NoteWorker(worker.id);
  fleet_.Put(worker);
}

void HotState::RemoveWorker(const std::string& worker_id) {
  absl::MutexLock lock(&mutex_);
  NoteWorker(worker_id);
  fleet_.Remove(worker_id);
}

void HotState::TakeBack(size_t mark) {
  absl::MutexLock lock(&mutex_);
  while (undo_.size() > mark) {
    undo_.back()();
    undo_.pop_back();
  }
}

}  // namespace tune::server
