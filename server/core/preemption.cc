#include "server/core/preemption.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "absl/algorithm/container.h"

namespace tune::server {
namespace {

// So many jobs are looked at in one plan: the next plan sees what came of this one.
constexpr int kMaxLooks = 100;

// A worker as it will be once the jobs that yield have gone.
struct Prospect {
  WorkerSlot empty;
  std::vector<HeldJob> taken;  // by jobs that stay, or have been given a place in this plan
  std::vector<RunningJob> running;

  WorkerSlot Slot() const {
    WorkerSlot slot = empty;
    // Those whose GPUs are known go first: the others take of what these leave.
    for (const bool known : {true, false}) {
      for (const HeldJob& job : taken) {
        if (job.gpus.empty() != known) Occupy(job, slot);
      }
    }
    return slot;
  }
};
using Prospects = std::map<std::string, Prospect>;  // by worker

WorkerSlot Emptied(WorkerSlot slot) {
  slot.gpus_free.resize(static_cast<size_t>(slot.gpus));
  for (size_t gpu = 0; gpu < slot.gpus_free.size(); ++gpu) {
    slot.gpus_free[gpu] = static_cast<int32_t>(gpu);
  }
  slot.host_memory_free_bytes = slot.host_memory_bytes;
  slot.idle = true;
  return slot;
}

Prospects Foresee(const Workers& workers, const std::vector<RunningJob>& running) {
  Prospects prospects;
  for (const WorkerSlot& worker : workers) {
    if (GetsJobs(worker)) prospects[worker.id].empty = Emptied(worker);
  }
  for (const RunningJob& job : running) {
    const auto found = prospects.find(job.worker_id);
    if (found == prospects.end() || job.held.yields) continue;
    found->second.taken.push_back(job.held);
    found->second.running.push_back(job);
  }
  return prospects;
}

// The GPUs are the worker's to choose, when the job comes.
HeldJob PlaceFor(const QueuedJob& job) {
  return {.id = job.id, .resources = job.resources, .gpus = {}};
}

void Remove(const std::string& job_id, Prospect& prospect) {
  std::erase_if(prospect.taken, [&](const HeldJob& job) { return job.id == job_id; });
  std::erase_if(prospect.running, [&](const RunningJob& job) { return job.held.id == job_id; });
}

bool Less(const RunningJob& a, const RunningJob& b) {
  return std::tie(a.at_stake, a.held.priority, a.held.id) <
         std::tie(b.at_stake, b.held.priority, b.held.id);
}

struct Sacrifice {
  std::vector<RunningJob> victims;
  absl::Duration at_stake;
};

// The jobs of a lower priority without which the job would fit, none of them needlessly; nullopt
// where it would not.
std::optional<Sacrifice> FindSacrifice(const QueuedJob& job, const Prospect& prospect) {
  if (AvoidsNow(job, prospect.empty)) return std::nullopt;
  std::vector<RunningJob> lower;
  absl::c_copy_if(prospect.running, std::back_inserter(lower),
                  [&](const RunningJob& running) { return running.held.priority < job.priority; });
  absl::c_sort(lower, Less);
  Prospect without = prospect;
  for (const RunningJob& victim : lower) Remove(victim.held.id, without);
  if (!FitsNow(job, without.Slot())) return std::nullopt;
  // The dearest are kept first.
  Sacrifice sacrifice;
  for (auto victim = lower.rbegin(); victim != lower.rend(); ++victim) {
    without.taken.push_back(victim->held);
    if (FitsNow(job, without.Slot())) continue;
    without.taken.pop_back();
    sacrifice.victims.push_back(*victim);
    sacrifice.at_stake += victim->at_stake;
  }
  return sacrifice;
}

bool FindsPlace(const QueuedJob& job, Prospects& prospects) {
  for (auto& [id, prospect] : prospects) {
    if (!FitsNow(job, prospect.Slot())) continue;
    prospect.taken.push_back(PlaceFor(job));
    return true;
  }
  return false;
}

void MakePlace(const QueuedJob& job, Prospects& prospects, std::vector<Preemption>& plan) {
  Prospect* best = nullptr;
  std::optional<Sacrifice> least;
  for (auto& [id, prospect] : prospects) {
    const std::optional<Sacrifice> sacrifice = FindSacrifice(job, prospect);
    if (!sacrifice || (least && least->at_stake <= sacrifice->at_stake)) continue;
    best = &prospect;
    least = sacrifice;
  }
  if (best == nullptr) return;
  for (const RunningJob& victim : least->victims) {
    Remove(victim.held.id, *best);
    plan.push_back({victim.held.id, job.id, job.priority});
  }
  best->taken.push_back(PlaceFor(job));
}

std::optional<int64_t> LowestPriority(const std::vector<RunningJob>& running) {
  std::optional<int64_t> lowest;
  for (const RunningJob& job : running) {
    lowest = std::min(lowest.value_or(job.held.priority), job.held.priority);
  }
  return lowest;
}

}  // namespace

std::vector<Preemption> PlanPreemptions(const JobQueue& queue, const Workers& workers,
                                        const std::vector<RunningJob>& running,
                                        absl::FunctionRef<QueuedJob(const QueuedJob&)> now) {
  std::vector<Preemption> plan;
  const std::optional<int64_t> lowest = LowestPriority(running);
  if (!lowest) return plan;
  Prospects prospects = Foresee(workers, running);
  int looks = 0;
  const auto fits_somewhere = [&](const QueuedJob& job) {
    return absl::c_any_of(prospects,
                          [&](const auto& entry) { return FitsNow(job, entry.second.empty); });
  };
  const auto is_last = [&](const QueuedJob& queued) {
    if (queued.priority <= *lowest || ++looks > kMaxLooks) return true;
    const QueuedJob job = now(queued);
    if (!job.due || job.hold || FindsPlace(job, prospects)) return false;
    MakePlace(job, prospects, plan);
    return false;
  };
  (void)queue.FindFirst(fits_somewhere, is_last);
  return plan;
}

}  // namespace tune::server
