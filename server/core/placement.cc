#include "server/core/placement.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>

#include "absl/algorithm/container.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tune::server {
namespace {

bool HasDevice(const ResourceSpec& resources, int64_t gpus) {
  return resources.device != "cuda" || gpus >= std::max<int64_t>(resources.gpus, 1);
}

bool HasGpusFor(const ResourceSpec& resources, int64_t worker_gpus, int64_t gpus) {
  return HasDevice(resources, worker_gpus) && GpusTaken(resources, worker_gpus) <= gpus;
}

bool Avoids(const QueuedJob& job, const WorkerSlot& worker) {
  return absl::c_linear_search(job.avoids, worker.id);
}

bool Understands(const QueuedJob& job, const WorkerSlot& worker) {
  return job.fields_set == nullptr || absl::c_includes(worker.spec_fields, *job.fields_set);
}

// A healthy worker that could run the job and that it does not avoid, free or not.
bool HasAnother(const QueuedJob& job, const std::vector<WorkerSlot>& fleet) {
  return std::any_of(fleet.begin(), fleet.end(), [&](const WorkerSlot& worker) {
    return worker.unhealthy.empty() && !Avoids(job, worker) && Fits(job.resources, worker) &&
           Understands(job, worker);
  });
}

// Takes the job's share off the worker; returns the GPUs it takes: those that it names, else
// the first that are free.
std::vector<int32_t> Occupy(const ResourceSpec& resources, const std::vector<int32_t>& named,
                            WorkerSlot& worker) {
  const int64_t count = GpusTaken(resources, worker.gpus);
  std::vector<int32_t> taken = named;
  if (count == 0) {
    worker.gpus_free.clear();
  } else if (taken.empty()) {
    const auto end = worker.gpus_free.begin() +
                     std::min<int64_t>(count, static_cast<int64_t>(worker.gpus_free.size()));
    taken.assign(worker.gpus_free.begin(), end);
  }
  std::erase_if(worker.gpus_free, [&](int32_t gpu) { return absl::c_linear_search(taken, gpu); });
  worker.host_memory_free_bytes -= resources.host_memory_bytes;
  worker.idle = false;
  return taken;
}

WorkerSlot* FindPlace(const QueuedJob& job, std::vector<WorkerSlot>& fleet) {
  if (!job.due || job.hold) return nullptr;
  WorkerSlot* avoided = nullptr;
  for (WorkerSlot& worker : fleet) {
    if (!worker.asking || !worker.unhealthy.empty() || !FitsNow(job.resources, worker)) continue;
    if (!Understands(job, worker)) continue;
    if (!Avoids(job, worker)) return &worker;
    if (avoided == nullptr) avoided = &worker;
  }
  return avoided != nullptr && !HasAnother(job, fleet) ? avoided : nullptr;
}

std::string GiB(int64_t bytes) {
  return absl::StrCat(static_cast<double>(bytes * 10 / (int64_t{1} << 30)) / 10, " GiB");
}

WaitReason NoGpuWorker(const ResourceSpec& resources) {
  return {"NoGpuWorker", absl::StrCat("no live worker has ", std::max<int64_t>(resources.gpus, 1),
                                      " GPU(s); start one, or submit with resources.device: cpu")};
}

WaitReason NoWorkerWithMemory(const ResourceSpec& resources) {
  return {"NoWorkerWithMemory",
          absl::StrCat("no fitting worker has ", GiB(resources.host_memory_bytes),
                       " of host memory; start one, or lower resources.host_memory_bytes")};
}

// The first few of the trainers' versions that lack a field, with what each lacks.
std::string WhatTrainersLack(const QueuedJob& job, const std::vector<const WorkerSlot*>& workers) {
  constexpr size_t kShown = 3;
  std::map<std::string, std::vector<std::string>> lacking;
  for (const WorkerSlot* worker : workers) {
    lacking.emplace(worker->trainer_version, FieldsLacking(job, *worker));
  }
  std::vector<std::string> parts;
  for (const auto& [version, fields] : lacking) {
    if (parts.size() == kShown) break;
    parts.push_back(absl::StrCat("tune-trainer ", version.empty() ? "of no version" : version,
                                 " lacks ", absl::StrJoin(fields, ", ")));
  }
  if (lacking.size() > kShown) parts.push_back("and others");
  return absl::StrJoin(parts, "; ");
}

WaitReason NoWorkerOfVersion(const QueuedJob& job, const std::vector<const WorkerSlot*>& workers) {
  return {"NoWorkerOfVersion",
          absl::StrCat("no fitting worker's trainer knows all that the spec sets (",
                       WhatTrainersLack(job, workers),
                       "); upgrade tune-worker and tune-trainer on workers/", workers[0]->id,
                       ", or leave the fields out")};
}

WaitReason NoHealthyWorker(const WorkerSlot& worker) {
  return {"NoHealthyWorker",
          absl::StrCat("no fitting worker is well; workers/", worker.id, ": ", worker.unhealthy)};
}

// A worker that could take the job now, where the job waits for another one instead.
const WorkerSlot* FreeButAvoided(const QueuedJob& job, const std::vector<WorkerSlot>& fleet) {
  if (!HasAnother(job, fleet)) return nullptr;
  const auto found = std::find_if(fleet.begin(), fleet.end(), [&](const WorkerSlot& worker) {
    return worker.unhealthy.empty() && Avoids(job, worker) && FitsNow(job.resources, worker) &&
           Understands(job, worker);
  });
  return found == fleet.end() ? nullptr : &*found;
}

WaitReason AvoidsWorker(const WorkerSlot& worker) {
  return {"AvoidsWorker", absl::StrCat("workers/", worker.id,
                                       " is free, but an attempt failed there; it waits for "
                                       "another worker that fits, a minute at most")};
}

// Where the worker is free for the job, and has not asked for one yet.
WaitReason AwaitsWorker(const WorkerSlot& worker) {
  return {"AwaitsWorker",
          absl::StrCat("workers/", worker.id,
                       " is free: it takes the next job of the queue when it asks")};
}

// `fitting` are all that could run the job: those that are well are busy.
WaitReason NoIdleWorker(const std::vector<const WorkerSlot*>& fitting) {
  std::string message = "every fitting worker that is well is busy; it starts when one is free";
  const auto ails = [](const WorkerSlot* worker) { return !worker->unhealthy.empty(); };
  const auto unwell = absl::c_find_if(fitting, ails);
  if (unwell == fitting.end()) return {"NoIdleWorker", message};
  const auto others = absl::c_count_if(fitting, ails) - 1;
  absl::StrAppend(&message, "; workers/", (*unwell)->id, ": ", (*unwell)->unhealthy);
  if (others > 0) absl::StrAppend(&message, "; ", others, " more of them get no job either");
  return {"NoIdleWorker", message};
}

bool GoesFirst(const QueuedJob* a, const QueuedJob* b) {
  return std::tuple(-a->priority, a->submit_order) < std::tuple(-b->priority, b->submit_order);
}

std::vector<const WorkerSlot*> Select(const std::vector<const WorkerSlot*>& workers,
                                      absl::FunctionRef<bool(const WorkerSlot&)> is_wanted) {
  std::vector<const WorkerSlot*> selected;
  for (const WorkerSlot* worker : workers) {
    if (is_wanted(*worker)) selected.push_back(worker);
  }
  return selected;
}

}  // namespace

std::vector<const QueuedJob*> InOrder(const std::vector<QueuedJob>& queue) {
  std::vector<const QueuedJob*> ordered;
  ordered.reserve(queue.size());
  for (const QueuedJob& job : queue) ordered.push_back(&job);
  std::sort(ordered.begin(), ordered.end(), GoesFirst);
  return ordered;
}

std::vector<Assignment> Place(const std::vector<QueuedJob>& queue, std::vector<WorkerSlot> fleet) {
  std::sort(fleet.begin(), fleet.end(),
            [](const WorkerSlot& a, const WorkerSlot& b) { return a.id < b.id; });
  std::vector<Assignment> assignments;
  for (const QueuedJob* job : InOrder(queue)) {
    WorkerSlot* const worker = FindPlace(*job, fleet);
    if (worker == nullptr) continue;
    assignments.push_back({job->id, worker->id, Occupy(job->resources, {}, *worker)});
  }
  return assignments;
}

WorkerSlot MakeSlot(const WorkerRecord& worker, const std::vector<Job>& held) {
  WorkerSlot slot;
  slot.id = worker.id;
  slot.gpus = static_cast<int64_t>(worker.resources.gpus.size());
  slot.gpus_free.resize(worker.resources.gpus.size());
  std::iota(slot.gpus_free.begin(), slot.gpus_free.end(), 0);
  slot.host_memory_bytes = slot.host_memory_free_bytes = worker.resources.host_memory_bytes;
  slot.trainer_version = worker.trainer_version;
  slot.spec_fields = worker.spec_fields;
  std::sort(slot.spec_fields.begin(), slot.spec_fields.end());
  slot.unhealthy = worker.unhealthy;
  for (const Job& job : held) {
    if (job.worker_id == worker.id) Occupy(job.spec.resources, job.gpus, slot);
  }
  return slot;
}

int64_t GpusTaken(const ResourceSpec& resources, int64_t worker_gpus) {
  if (resources.device == "cpu" || worker_gpus == 0) return 0;
  return std::max<int64_t>(resources.gpus, 1);
}

bool Fits(const ResourceSpec& resources, const WorkerSlot& worker) {
  return HasGpusFor(resources, worker.gpus, worker.gpus) &&
         resources.host_memory_bytes <= worker.host_memory_bytes;
}

bool FitsNow(const ResourceSpec& resources, const WorkerSlot& worker) {
  if (GpusTaken(resources, worker.gpus) == 0 && !worker.idle) return false;
  return HasGpusFor(resources, worker.gpus, static_cast<int64_t>(worker.gpus_free.size())) &&
         resources.host_memory_bytes <= worker.host_memory_free_bytes;
}

std::vector<std::string> FieldsLacking(const QueuedJob& job, const WorkerSlot& worker) {
  std::vector<std::string> lacking;
  if (job.fields_set == nullptr) return lacking;
  std::set_difference(job.fields_set->begin(), job.fields_set->end(), worker.spec_fields.begin(),
                      worker.spec_fields.end(), std::back_inserter(lacking));
  return lacking;
}

WaitReason ExplainWait(const QueuedJob& job, const std::vector<WorkerSlot>& workers) {
  if (job.hold) return *job.hold;
  if (workers.empty()) {
    return {"NoWorker", "no live worker; start one with tune-worker --scheduler ADDRESS"};
  }
  std::vector<const WorkerSlot*> able;
  for (const WorkerSlot& worker : workers) {
    if (HasGpusFor(job.resources, worker.gpus, worker.gpus)) able.push_back(&worker);
  }
  if (able.empty()) return NoGpuWorker(job.resources);
  able = Select(able, [&](const WorkerSlot& worker) { return Fits(job.resources, worker); });
  if (able.empty()) return NoWorkerWithMemory(job.resources);
  // A worker that is unfit from its start has no trainer that could tell what it knows.
  const auto told = Select(able, [](const WorkerSlot& worker) {
    return worker.unhealthy.empty() || !worker.spec_fields.empty();
  });
  if (told.empty()) return NoHealthyWorker(*able[0]);
  able = Select(told, [&](const WorkerSlot& worker) { return Understands(job, worker); });
  if (able.empty()) return NoWorkerOfVersion(job, told);
  const std::vector<const WorkerSlot*> fitting = able;
  able = Select(able, [](const WorkerSlot& worker) { return worker.unhealthy.empty(); });
  if (able.empty()) return NoHealthyWorker(*fitting[0]);
  if (!job.due) return {"RetryDelay", "the last attempt failed; the next one begins shortly"};
  if (const WorkerSlot* const avoided = FreeButAvoided(job, workers)) return AvoidsWorker(*avoided);
  able = Select(able, [&](const WorkerSlot& worker) { return FitsNow(job.resources, worker); });
  if (!able.empty()) return AwaitsWorker(*able[0]);
  return NoIdleWorker(fitting);
}

}  // namespace tune::server
