#include "server/core/placement.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>

#include "absl/algorithm/container.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "run/known_settings.h"

namespace tune::server {
namespace {

bool HasDevice(const ResourceSpec& resources, int64_t gpus) {
  return resources.device != "cuda" || gpus >= std::max<int64_t>(resources.gpus, 1);
}

bool HasGpusFor(const ResourceSpec& resources, int64_t worker_gpus, int64_t gpus) {
  return HasDevice(resources, worker_gpus) && GpusTaken(resources, worker_gpus) <= gpus;
}

bool HasMemory(const ResourceSpec& resources, const WorkerSlot& worker) {
  return resources.host_memory_bytes <= worker.host_memory_bytes;
}

bool HasLabels(const ResourceSpec& resources, const WorkerSlot& worker) {
  return resources.worker_labels.empty() ||
         LabelsLacking(resources.worker_labels, worker.labels).empty();
}

const std::vector<std::string>& PathsOf(const FieldPaths& paths) {
  static const std::vector<std::string> kNone;
  return paths == nullptr ? kNone : *paths;
}

bool Understands(const QueuedJob& job, const WorkerSlot& worker) {
  return absl::c_includes(PathsOf(worker.spec_fields), PathsOf(job.fields_set));
}

// Understands for many workers in a row: most share one list.
std::function<bool(const WorkerSlot&)> Understanding(const QueuedJob& job) {
  const std::vector<std::string>* last = nullptr;
  bool understands = false;
  return [&job, last, understands](const WorkerSlot& worker) mutable {
    if (worker.spec_fields == nullptr || worker.spec_fields.get() != last) {
      last = worker.spec_fields.get();
      understands = Understands(job, worker);
    }
    return understands;
  };
}

// A healthy worker that could run the job and that it does not avoid, free or not.
bool HasAnother(const QueuedJob& job, const Workers& fleet) {
  return std::any_of(fleet.begin(), fleet.end(), [&](const WorkerSlot& worker) {
    return GetsJobs(worker) && !AvoidsNow(job, worker) && Fits(job.resources, worker) &&
           Understands(job, worker);
  });
}

// The first GPUs that are free, as many as the job takes.
std::vector<int32_t> ChooseGpus(const ResourceSpec& resources, const WorkerSlot& worker) {
  const auto count = std::min<int64_t>(GpusTaken(resources, worker.gpus),
                                       static_cast<int64_t>(worker.gpus_free.size()));
  return {worker.gpus_free.begin(), worker.gpus_free.begin() + count};
}

std::string GiB(int64_t bytes) {
  return absl::StrCat(static_cast<double>(bytes * 10 / (int64_t{1} << 30)) / 10, " GiB");
}

WaitReason AwaitsJobs(const QueuedJob& job) {
  constexpr size_t kShown = 3;
  const size_t shown = std::min(job.waits_for.size(), kShown);
  std::string message =
      absl::StrCat("it waits until these have ended: ",
                   absl::StrJoin(job.waits_for.begin(),
                                 job.waits_for.begin() + static_cast<int64_t>(shown), ", "));
  const size_t more = job.waits_for.size() - shown;
  if (more > 0) absl::StrAppend(&message, " and ", more, " more");
  return {"AwaitsJobs", message};
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

std::vector<const WorkerSlot*> Select(const std::vector<const WorkerSlot*>& workers,
                                      absl::FunctionRef<bool(const WorkerSlot&)> is_wanted) {
  std::vector<const WorkerSlot*> selected;
  for (const WorkerSlot* worker : workers) {
    if (is_wanted(*worker)) selected.push_back(worker);
  }
  return selected;
}

// `workers` would fit, each but for a label.
WaitReason NoWorkerWithLabels(const Labels& wanted, const std::vector<const WorkerSlot*>& workers) {
  const auto lacking = [&](const WorkerSlot* worker) {
    return LabelsLacking(wanted, worker->labels);
  };
  const WorkerSlot* const nearest =
      *absl::c_min_element(workers, [&](const WorkerSlot* a, const WorkerSlot* b) {
        return lacking(a).size() < lacking(b).size();
      });
  const std::string lacks = LabelsText(lacking(nearest));
  return {"NoWorkerWithLabels",
          absl::StrCat("no fitting worker has all of resources.worker_labels; workers/",
                       nearest->id, ", the nearest, lacks ", lacks,
                       "; start one with tune-worker --label, or change the job's")};
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

// The datasets whose kind of file the worker's trainer does not read.
std::string FilesLacking(const QueuedJob& job, const WorkerSlot& worker) {
  const std::vector<std::string> lacking = FieldsLacking(job, worker);
  std::vector<std::string> parts;
  for (const auto& [dataset, kind] : job.file_kinds) {
    if (!absl::c_linear_search(lacking, FileSetting(kind))) continue;
    parts.push_back(absl::StrCat(dataset, " (", kind, ")"));
  }
  return absl::StrJoin(parts, ", ");
}

WaitReason NoWorkerForFile(const QueuedJob& job, const WorkerSlot& worker) {
  return {"NoWorkerForFile",
          absl::StrCat("no fitting worker's trainer reads such a file: ", FilesLacking(job, worker),
                       "; upgrade tune-worker and tune-trainer on workers/", worker.id,
                       " (Parquet and Arrow want a build with TUNE_BUILD_ARROW), or push the rows "
                       "as JSON Lines")};
}

// `workers` have told what they know, and none knows all that the job asks for.
WaitReason NoTrainerFor(const QueuedJob& job, const std::vector<const WorkerSlot*>& workers) {
  const auto lacking_files_alone = Select(workers, [&](const WorkerSlot& worker) {
    return absl::c_all_of(FieldsLacking(job, worker), &IsFileSetting);
  });
  return lacking_files_alone.empty() ? NoWorkerOfVersion(job, workers)
                                     : NoWorkerForFile(job, *lacking_files_alone[0]);
}

WaitReason NoHealthyWorker(const WorkerSlot& worker) {
  return {"NoHealthyWorker",
          absl::StrCat("no fitting worker is well; workers/", worker.id, ": ", worker.unhealthy)};
}

WaitReason NoUncordonedWorker(const WorkerSlot& worker) {
  return {"WorkersCordoned",
          absl::StrCat("every fitting worker that is well is cordoned; workers/", worker.id, " ",
                       worker.cordoned, "; tunectl workers uncordon ", worker.id)};
}

// A worker that could take the job now, where the job waits for another one instead.
const WorkerSlot* FreeButAvoided(const QueuedJob& job, const Workers& fleet) {
  if (job.avoids.empty() || !HasAnother(job, fleet)) return nullptr;
  const auto found = std::find_if(fleet.begin(), fleet.end(), [&](const WorkerSlot& worker) {
    return GetsJobs(worker) && AvoidsNow(job, worker) && FitsNow(job, worker);
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

// Why a worker gets no job.
std::string WhyIdle(const WorkerSlot& worker) {
  return worker.cordoned.empty() ? absl::StrCat(": ", worker.unhealthy)
                                 : absl::StrCat(" ", worker.cordoned);
}

// `fitting` are all that could run the job: those that get jobs are busy.
WaitReason NoIdleWorker(const std::vector<const WorkerSlot*>& fitting) {
  std::string message = "every fitting worker that is well is busy; it starts when one is free";
  const auto ails = [](const WorkerSlot* worker) { return !GetsJobs(*worker); };
  const auto unwell = absl::c_find_if(fitting, ails);
  if (unwell == fitting.end()) return {"NoIdleWorker", message};
  const auto others = absl::c_count_if(fitting, ails) - 1;
  absl::StrAppend(&message, "; workers/", (*unwell)->id, WhyIdle(**unwell));
  if (others > 0) absl::StrAppend(&message, "; ", others, " more of them get no job either");
  return {"NoIdleWorker", message};
}

}  // namespace

std::optional<Assignment> NextJob(const JobQueue& queue, const WorkerSlot& worker,
                                  absl::FunctionRef<QueuedJob(const QueuedJob&)> now,
                                  absl::FunctionRef<Workers()> fleet, JobQueue::Judge may_have) {
  if (!GetsJobs(worker)) return std::nullopt;
  std::optional<Workers> all;
  bool ends = false;  // those that follow have too low a priority
  const auto fits = [&](const QueuedJob& job) { return FitsNow(job, worker) && may_have(job); };
  const auto wanted = [&](const QueuedJob& queued) {
    if (worker.least_priority && queued.priority < *worker.least_priority) return ends = true;
    const QueuedJob job = now(queued);
    if (!job.due || job.hold) return false;
    if (!AvoidsNow(job, worker)) return true;
    if (!all) all = fleet();
    return !HasAnother(job, *all);
  };
  const QueuedJob* const job = queue.FindFirst(fits, wanted);
  if (job == nullptr || ends) return std::nullopt;
  return Assignment{job->id, worker.id, ChooseGpus(job->resources, worker)};
}

bool AnyJob(const QueuedJob&) { return true; }

std::string CordonText(const Cordon& cordon) {
  return absl::StrCat("is cordoned", cordon.user.empty() ? "" : " by ", cordon.user,
                      cordon.reason.empty() ? "" : ": ", cordon.reason);
}

bool AvoidsNow(const QueuedJob& job, const WorkerSlot& worker) {
  return job.may_avoid && absl::c_linear_search(job.avoids, worker.id);
}

bool GetsJobs(const WorkerSlot& worker) {
  return worker.unhealthy.empty() && worker.cordoned.empty();
}

WorkerSlot MakeSlot(const WorkerRecord& worker) {
  WorkerSlot slot;
  slot.id = worker.id;
  slot.gpus = static_cast<int64_t>(worker.resources.gpus.size());
  slot.gpus_free.resize(worker.resources.gpus.size());
  std::iota(slot.gpus_free.begin(), slot.gpus_free.end(), 0);
  slot.host_memory_bytes = slot.host_memory_free_bytes = worker.resources.host_memory_bytes;
  slot.trainer_version = worker.trainer_version;
  std::vector<std::string> fields = worker.spec_fields;
  std::sort(fields.begin(), fields.end());
  slot.labels = worker.labels;
  if (!fields.empty()) slot.spec_fields = std::make_shared<const std::vector<std::string>>(fields);
  slot.unhealthy = worker.unhealthy;
  if (worker.cordon) slot.cordoned = CordonText(*worker.cordon);
  return slot;
}

void Occupy(const HeldJob& job, WorkerSlot& worker) {
  std::vector<int32_t> taken = job.gpus;
  if (taken.empty()) taken = ChooseGpus(job.resources, worker);
  if (GpusTaken(job.resources, worker.gpus) == 0) {
    worker.gpus_free.clear();
  } else {
    std::erase_if(worker.gpus_free, [&](int32_t gpu) { return absl::c_linear_search(taken, gpu); });
  }
  worker.host_memory_free_bytes -= job.resources.host_memory_bytes;
  worker.idle = false;
  if (!job.preempted) return;
  worker.least_priority =
      std::max(worker.least_priority.value_or(job.priority + 1), job.priority + 1);
}

int64_t GpusTaken(const ResourceSpec& resources, int64_t worker_gpus) {
  if (resources.device == "cpu" || worker_gpus == 0) return 0;
  return std::max<int64_t>(resources.gpus, 1);
}

bool Fits(const ResourceSpec& resources, const WorkerSlot& worker) {
  return HasGpusFor(resources, worker.gpus, worker.gpus) && HasMemory(resources, worker) &&
         HasLabels(resources, worker);
}

bool FitsNow(const ResourceSpec& resources, const WorkerSlot& worker) {
  if (GpusTaken(resources, worker.gpus) == 0 && !worker.idle) return false;
  return HasGpusFor(resources, worker.gpus, static_cast<int64_t>(worker.gpus_free.size())) &&
         resources.host_memory_bytes <= worker.host_memory_free_bytes &&
         HasLabels(resources, worker);
}

bool FitsNow(const QueuedJob& job, const WorkerSlot& worker) {
  return FitsNow(job.resources, worker) && Understands(job, worker);
}

std::vector<std::string> FieldsLacking(const QueuedJob& job, const WorkerSlot& worker) {
  std::vector<std::string> lacking;
  absl::c_set_difference(PathsOf(job.fields_set), PathsOf(worker.spec_fields),
                         std::back_inserter(lacking));
  return lacking;
}

WaitReason ExplainWait(const QueuedJob& job, const Workers& workers) {
  if (!job.waits_for.empty()) return AwaitsJobs(job);
  if (job.hold) return *job.hold;
  if (workers.empty()) {
    return {"NoWorker", "no live worker; start one with tune-worker --scheduler ADDRESS"};
  }
  std::vector<const WorkerSlot*> able;
  for (const WorkerSlot& worker : workers) {
    if (HasGpusFor(job.resources, worker.gpus, worker.gpus)) able.push_back(&worker);
  }
  if (able.empty()) return NoGpuWorker(job.resources);
  able = Select(able, [&](const WorkerSlot& worker) { return HasMemory(job.resources, worker); });
  if (able.empty()) return NoWorkerWithMemory(job.resources);
  const std::vector<const WorkerSlot*> large = able;
  able = Select(able, [&](const WorkerSlot& worker) { return HasLabels(job.resources, worker); });
  if (able.empty()) return NoWorkerWithLabels(job.resources.worker_labels, large);
  // A worker that is unfit from its start has no trainer that could tell what it knows.
  const auto told = Select(able, [](const WorkerSlot& worker) {
    return worker.unhealthy.empty() || worker.spec_fields != nullptr;
  });
  if (told.empty()) return NoHealthyWorker(*able[0]);
  able = Select(told, Understanding(job));
  if (able.empty()) return NoTrainerFor(job, told);
  const std::vector<const WorkerSlot*> fitting = able;
  able = Select(able, [](const WorkerSlot& worker) { return worker.unhealthy.empty(); });
  if (able.empty()) return NoHealthyWorker(*fitting[0]);
  const WorkerSlot* const well = able[0];
  able = Select(able, GetsJobs);
  if (able.empty()) return NoUncordonedWorker(*well);
  if (!job.due) return {"RetryDelay", "the last attempt failed; the next one begins shortly"};
  if (const WorkerSlot* const avoided = FreeButAvoided(job, workers)) return AvoidsWorker(*avoided);
  able = Select(able, [&](const WorkerSlot& worker) { return FitsNow(job.resources, worker); });
  if (!able.empty()) return AwaitsWorker(*able[0]);
  return NoIdleWorker(fitting);
}

}  // namespace tune::server
