#include "server/engine/preemptor.h"

#include <algorithm>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "run/checkpoint_id.h"
#include "run/names.h"
#include "run/reason.h"
#include "server/core/preemption.h"
#include "server/engine/attempts.h"
#include "server/engine/snapshot.h"

namespace tune::server {
namespace {

bool MayConcern(const HotState& hot) {
  bool concerns = false;
  hot.Read([&](const JobQueue& queue, const Fleet& fleet) {
    const auto lowest = fleet.LowestPriority();
    const auto highest = queue.HighestPriority();
    concerns = lowest && highest && *highest > *lowest;
  });
  return concerns;
}

int64_t StepOf(const std::string& checkpoint) {
  const auto ref = ParseCheckpointName(checkpoint);
  return ref.ok() ? StepOfCheckpointId(ref->checkpoint_id).value_or(0) : 0;
}

// The time that the steps since its last checkpoint took; zero where it has told of none.
absl::Duration AtStake(const Job& job) {
  const int64_t steps = job.progress.step - StepOf(job.latest_checkpoint);
  const double seconds = static_cast<double>(steps) * job.progress.seconds_per_step;
  return seconds > 0 ? absl::Seconds(seconds) : absl::ZeroDuration();  // NaN: not known
}

absl::StatusOr<std::vector<Preemption>> Plan(Reader& reader, const HotState& hot, BlobStore& blobs,
                                             Liveness& liveness) {
  ASSIGN_OR_RETURN(const HarmedJobs harmed, FindHarmedJobs(reader, blobs));
  ASSIGN_OR_RETURN(const std::vector<Job> held, reader.HeldJobs(""));
  std::vector<RunningJob> running;
  for (const Job& job : held) running.push_back({HeldJobOf(job), job.worker_id, AtStake(job)});
  std::vector<Preemption> plan;
  hot.Read([&](const JobQueue& queue, const Fleet& fleet, const Quotas& quotas) {
    plan = PlanPreemptions(queue, LiveFleet(fleet, liveness), running, [&](const QueuedJob& job) {
      return JobNow(job, liveness, harmed, fleet, quotas);
    });
  });
  return plan;
}

absl::Status Preempt(Transaction& transaction, const Preemption& preemption, absl::Time now,
                     Effects& effects) {
  ASSIGN_OR_RETURN(const Job victim, transaction.GetJob(preemption.victim));
  const std::string message = absl::StrCat("it makes way for jobs/", preemption.for_job,
                                           " of priority ", preemption.priority);
  spdlog::info("job makes way job={} worker={} for={}", victim.id, victim.worker_id,
               preemption.for_job);
  return AskToYield(transaction, victim, {kPreempted, kPreempted, message}, now, effects).status();
}

}  // namespace

absl::Status Preemptor::Tick() {
  if (!MayConcern(store_.hot())) return absl::OkStatus();
  std::vector<Preemption> plan;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(plan, Plan(reader, store_.hot(), blobs_, liveness_));
    return absl::OkStatus();
  }));
  if (plan.empty()) return absl::OkStatus();
  // What the plan was made of may have changed since.
  return commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const auto now, Plan(transaction, store_.hot(), blobs_, liveness_));
    for (const Preemption& preemption : now) {
      RETURN_IF_ERROR(Preempt(transaction, preemption, clock_.Now(), effects));
    }
    return absl::OkStatus();
  });
}

}  // namespace tune::server
