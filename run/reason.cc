#include "run/reason.h"

#include <algorithm>
#include <array>

namespace tune {
namespace {

constexpr std::array kReasons = {
    Reason{kBadCheckpoint, Fault::kScheduler, Cost::kDisruption,
           "it goes on from the newest checkpoint that is whole; see tune-scheduler fsck"},
    Reason{kBadData, Fault::kData, Cost::kJob,
           "correct the dataset, push it under a new name and submit again"},
    Reason{kBadLease, Fault::kScheduler, Cost::kDisruption,
           "scheduler and worker do not understand each other; run the same version of both"},
    Reason{kBadModel, Fault::kData, Cost::kJob,
           "correct the model folder, push it under a new name and submit again"},
    Reason{kBadSpec, Fault::kJob, Cost::kJob, "correct the job file and submit again"},
    Reason{kCancelled, Fault::kNobody, Cost::kJob, ""},
    Reason{kCheckpointNotRegistered, Fault::kScheduler, Cost::kDisruption,
           "see the log of the worker and of the scheduler"},
    Reason{kCorruptBlob, Fault::kScheduler, Cost::kDisruption,
           "push the same file again: that mends it; tune-scheduler fsck names all that is harmed"},
    Reason{kDependencyFailed, Fault::kNobody, Cost::kJob,
           "tunectl retry the job that it waited for, then this one"},
    Reason{kDiskFull, Fault::kWorker, Cost::kNothing,
           "free some of the worker's disk, or give it a larger --work-dir"},
    Reason{kDisruptedTooOften, Fault::kJob, Cost::kJob,
           "see why its workers go away: the job may take more memory than they have"},
    Reason{kDownloadFailed, Fault::kScheduler, Cost::kNothing,
           "see the worker's log, the scheduler's, and the network between them"},
    Reason{kInternal, Fault::kJob, Cost::kRetry, "see tunectl logs"},
    Reason{kLossSpike, Fault::kJob, Cost::kJob,
           "look at the rows that the event names, or set on_spike to warn or skip"},
    Reason{kMissingInput, Fault::kScheduler, Cost::kDisruption,
           "push the same file again: that mends it; tune-scheduler fsck names all that is harmed"},
    Reason{kNoDevice, Fault::kWorker, Cost::kNothing,
           "run tune-worker doctor on the worker's host"},
    Reason{kNonFiniteLoss, Fault::kJob, Cost::kJob,
           "lower learning_rate, look at the rows that the event names, or set on_nonfinite: skip"},
    Reason{kOutOfMemory, Fault::kJob, Cost::kRetry,
           "lower micro_batch_tokens or max_length, or take a larger worker"},
    Reason{kPaused, Fault::kNobody, Cost::kNothing, "tunectl resume lets it go on"},
    Reason{kPreempted, Fault::kNobody, Cost::kNothing, ""},
    Reason{kRankLost, Fault::kJob, Cost::kRetry, "see tunectl logs"},
    Reason{kReportRefused, Fault::kScheduler, Cost::kDisruption,
           "see the worker's log; run the same version of scheduler and worker"},
    Reason{kResumeMismatch, Fault::kJob, Cost::kJob,
           "go on with the settings and inputs that the checkpoint was made with, or start anew"},
    Reason{kRowTooLong, Fault::kData, Cost::kJob,
           "raise max_length, or set max_length_policy to truncate or drop"},
    Reason{kRunFolderLost, Fault::kWorker, Cost::kNothing,
           "see to it that nothing but the worker removes files in its --work-dir"},
    Reason{kTimeLimit, Fault::kJob, Cost::kJob,
           "raise time_limit_seconds; its last checkpoint can be pulled"},
    Reason{kTrainerCrashed, Fault::kJob, Cost::kRetry, "see tunectl logs"},
    Reason{kTrainerDiedAtStart, Fault::kJob, Cost::kDisruption,
           "see tunectl logs, and whether tune-trainer can run on the worker's host"},
    Reason{kTrainerOrphaned, Fault::kWorker, Cost::kNothing,
           "see to it that nothing removes the file lock in the worker's --work-dir"},
    Reason{kTrainerStopped, Fault::kNobody, Cost::kDisruption,
           "see who ends processes on the worker's host"},
    Reason{kWorkerDraining, Fault::kNobody, Cost::kDisruption, ""},
    Reason{kWorkerLost, Fault::kNobody, Cost::kDisruption, "see the worker's host and its log"},
    Reason{kWorkerUnfit, Fault::kWorker, Cost::kNothing,
           "see tunectl workers list and the worker's log"},
    Reason{kYielded, Fault::kNobody, Cost::kNothing, ""},
};

static_assert(std::is_sorted(kReasons.begin(), kReasons.end(),
                             [](const Reason& a, const Reason& b) { return a.name < b.name; }));

}  // namespace

absl::Span<const Reason> Reasons() { return kReasons; }

const Reason* FindReason(absl::string_view name) {
  const auto* found = std::lower_bound(
      kReasons.begin(), kReasons.end(), name,
      [](const Reason& reason, absl::string_view wanted) { return reason.name < wanted; });
  return found != kReasons.end() && found->name == name ? found : nullptr;
}

absl::string_view FaultName(Fault fault) {
  constexpr absl::string_view kNames[] = {"nobody", "job", "data", "worker", "scheduler"};
  return kNames[static_cast<size_t>(fault)];
}

}  // namespace tune
