#include "server/engine/scheduler.h"

#include <algorithm>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "run/names.h"
#include "run/reason.h"
#include "server/core/errors.h"
#include "server/core/placement.h"
#include "server/core/retry.h"
#include "server/core/spec_fit.h"
#include "server/core/validation.h"
#include "server/engine/attempts.h"
#include "server/engine/resume.h"
#include "server/engine/snapshot.h"

namespace tune::server {
namespace {

// A job whose stored spec cannot be read stands back for so long; another version of this
// program, or a repair, may read it.
constexpr absl::Duration kUnreadableDelay = absl::Minutes(1);

// Whether this incarnation has told what its trainer knows. One that an earlier scheduler has
// registered, or that had no trainer to ask, registers again.
bool IsRegistered(const WorkerRecord* worker, const Asker& asker) {
  return worker != nullptr && worker->incarnation == asker.incarnation &&
         !worker->spec_fields.empty();
}

// The job that the asker may have now.
absl::StatusOr<std::optional<Assignment>> FindJob(const HotState& hot, Reader& reader,
                                                  const Asker& asker, Liveness& liveness,
                                                  BlobStore& blobs) {
  ASSIGN_OR_RETURN(const HarmedJobs harmed, FindHarmedJobs(reader, blobs));
  absl::StatusOr<std::optional<Assignment>> found = std::nullopt;
  hot.Read([&](const JobQueue& queue, const Fleet& fleet, const Quotas& quotas) {
    if (!IsRegistered(fleet.FindWorker(asker.worker_id), asker)) {
      found = UnknownWorker(asker.worker_id);
      return;
    }
    WorkerSlot worker = *fleet.FindSlot(asker.worker_id);
    worker.unhealthy = liveness.Unhealthy(asker.worker_id);
    found = NextJob(
        queue, worker,
        [&](const QueuedJob& job) { return JobNow(job, liveness, harmed, fleet, quotas); },
        [&] { return LiveFleet(fleet, liveness); },
        [&](const QueuedJob& job) {
          const int64_t gpus = GpusTaken(job.resources, worker.gpus);
          return QuotaReached(job.owner, quotas.Of(job.owner), fleet.HoldingsOf(job.owner), gpus)
              .empty();
        });
  });
  return found;
}

// What the job's attempt has been given to go on from.
absl::StatusOr<std::optional<Checkpoint>> ResumedFrom(Reader& reader, const Job& job) {
  ASSIGN_OR_RETURN(const Attempt attempt, reader.GetAttempt(job.id, job.attempt));
  if (attempt.resumed_from.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const CheckpointRef ref, ParseCheckpointName(attempt.resumed_from));
  return reader.GetCheckpoint(ref.job_id, ref.checkpoint_id);
}

int64_t SecondsLeft(const Job& job) {
  if (job.spec.time_limit_seconds == 0) return 0;
  const int64_t used = absl::ToInt64Seconds(job.run_time);
  return std::max<int64_t>(job.spec.time_limit_seconds - used, 1);
}

// What the job reads beside its checkpoints.
struct JobInputs {
  Model model;
  std::vector<Dataset> datasets;  // in the order of DatasetNames
};

absl::StatusOr<JobInputs> InputsOf(Reader& reader, const Job& job) {
  JobInputs inputs;
  ASSIGN_OR_RETURN(inputs.model,
                   reader.GetModel(std::string(absl::StripPrefix(job.spec.model, "models/"))));
  for (const std::string& name : DatasetNames(job.spec)) {
    ASSIGN_OR_RETURN(Dataset dataset,
                     reader.GetDataset(std::string(absl::StripPrefix(name, "datasets/"))));
    inputs.datasets.push_back(std::move(dataset));
  }
  return inputs;
}

// What the worker needs; `job` is held.
absl::StatusOr<Lease> MakeLease(Reader& reader, const Job& job) {
  Lease lease;
  lease.key = {job.id, job.epoch};
  lease.attempt = job.attempt;
  lease.gpus = job.gpus;
  ASSIGN_OR_RETURN(const WorkerRecord worker, reader.GetWorker(job.worker_id));
  ASSIGN_OR_RETURN(lease.spec_json, SpecFor(job.spec_json, worker.spec_fields));
  ASSIGN_OR_RETURN(JobInputs inputs, InputsOf(reader, job));
  lease.model_files = std::move(inputs.model.files);
  lease.datasets = std::move(inputs.datasets);
  ASSIGN_OR_RETURN(lease.resume_from, ResumedFrom(reader, job));
  lease.time_limit_seconds = SecondsLeft(job);
  return lease;
}

// Where an attempt goes on.
struct Beginning {
  std::string resumed_from;  // a checkpoint's name; "" for the model
  std::string note;          // what a person should know of it; "" for nothing
};

absl::StatusOr<Beginning> FindBeginning(Reader& reader, BlobStore& blobs, const Job& job) {
  ASSIGN_OR_RETURN(const auto checkpoint, NewestWholeCheckpoint(reader, blobs, job));
  if (checkpoint) return Beginning{CheckpointName(job.id, checkpoint->id), ""};
  if (job.latest_checkpoint.empty()) return Beginning{};
  return Beginning{"",
                   "it begins anew: none of its checkpoints is whole on the scheduler's disk; see "
                   "tune-scheduler fsck"};
}

absl::StatusOr<Job> Grant(Transaction& transaction, const Job& before, const Assignment& assignment,
                          const Beginning& beginning, const Asker& asker, absl::Time now) {
  Job after = before;
  after.state = JobState::kLeased;
  after.epoch = before.epoch + 1;
  after.attempt = before.attempt + 1;
  after.worker_id = asker.worker_id;
  after.gpus = assignment.gpus;
  after.reason = "";
  after.message = beginning.note;
  after.retry_delay = absl::ZeroDuration();
  // It has found no other: all of them are tried afresh.
  if (absl::c_linear_search(before.avoids, asker.worker_id)) after.avoids.clear();
  if (before.start_time == absl::InfinitePast()) after.start_time = now;
  RETURN_IF_ERROR(WriteState(transaction, before, after, now));
  Attempt attempt;
  attempt.number = after.attempt;
  attempt.worker_id = asker.worker_id;
  attempt.incarnation = asker.incarnation;
  attempt.start_time = now;
  attempt.resumed_from = beginning.resumed_from;
  attempt.request_id = asker.request_id;
  attempt.result = "Running";
  RETURN_IF_ERROR(transaction.InsertAttempt(before.id, after.epoch, attempt));
  return after;
}

// Why this attempt begins, for the metrics: by whose fault the one before it ended.
absl::StatusOr<std::string> AttemptReason(Reader& reader, const Job& job) {
  if (job.attempt == 0) return "first";
  ASSIGN_OR_RETURN(const Attempt last, reader.GetAttempt(job.id, job.attempt));
  return std::string(FaultName(FaultOf(last.result)));
}

absl::StatusOr<std::optional<Lease>> Repeat(Reader& reader, const LeaseKey& key) {
  const auto job = GetHeldJob(reader, key);
  if (IsStaleEpoch(job.status())) return std::nullopt;
  RETURN_IF_ERROR(job.status());
  return MakeLease(reader, *job);
}

absl::StatusOr<Lease> GrantFresh(Transaction& transaction, BlobStore& blobs, const Job& before,
                                 const Assignment& assignment, const Asker& asker, absl::Time now,
                                 Effects& effects) {
  ASSIGN_OR_RETURN(const std::string reason, AttemptReason(transaction, before));
  ASSIGN_OR_RETURN(const Beginning beginning, FindBeginning(transaction, blobs, before));
  ASSIGN_OR_RETURN(const Job job, Grant(transaction, before, assignment, beginning, asker, now));
  effects.started = StartedAttempt{reason, now - before.queue_time};
  effects.changed_jobs.insert(job.id);
  return MakeLease(transaction, job);
}

// Whether what the job reads is on the scheduler's disk. What is gone is noted, so that the queue
// holds all who read it.
absl::StatusOr<bool> InputsAreThere(Reader& reader, BlobStore& blobs, const Job& job) {
  ASSIGN_OR_RETURN(JobInputs inputs, InputsOf(reader, job));
  std::vector<FileEntry> files = std::move(inputs.model.files);
  for (const Dataset& dataset : inputs.datasets) files.push_back(dataset.file);
  const std::vector<FileEntry> harmed = blobs.Harmed(files);
  for (const FileEntry& file : harmed) blobs.NoteGone(file.sha256);
  return harmed.empty();
}

absl::StatusOr<bool> IsReady(Reader& reader, BlobStore& blobs, const Job& job) {
  if (!job.unreadable.empty()) return false;
  return InputsAreThere(reader, blobs, job);
}

absl::StatusOr<std::optional<Lease>> Choose(const HotState& hot, Transaction& transaction,
                                            BlobStore& blobs, const Asker& asker,
                                            Liveness& liveness, absl::Time now, Effects& effects) {
  if (!asker.request_id.empty()) {
    ASSIGN_OR_RETURN(const auto earlier, transaction.FindLease(asker.request_id));
    if (earlier) return Repeat(transaction, *earlier);
  }
  // A job that cannot be read, or whose inputs cannot, gives its turn to the next.
  for (std::string passed_over;;) {
    ASSIGN_OR_RETURN(const auto assignment, FindJob(hot, transaction, asker, liveness, blobs));
    if (!assignment) return std::nullopt;
    ASSIGN_OR_RETURN(const Job before, transaction.GetJob(assignment->job_id));
    ASSIGN_OR_RETURN(const bool ready, IsReady(transaction, blobs, before));
    if (ready) return GrantFresh(transaction, blobs, before, *assignment, asker, now, effects);
    const bool held = before.unreadable.empty() && before.id != passed_over;
    if (!held) liveness.Delay(before.id, kUnreadableDelay);
    passed_over = before.id;
  }
}

}  // namespace

Scheduler::Scheduler(Store& store, BlobStore& blobs, Commits& commits, Clock& clock,
                     Liveness& liveness)
    : store_(store), blobs_(blobs), commits_(commits), clock_(clock), liveness_(liveness) {}

absl::StatusOr<bool> Scheduler::MayGetLease(const Asker& asker) {
  bool may = false;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const auto earlier, reader.FindLease(asker.request_id));
    ASSIGN_OR_RETURN(const auto assignment,
                     FindJob(store_.hot(), reader, asker, liveness_, blobs_));
    may = earlier.has_value() || assignment.has_value();
    return absl::OkStatus();
  }));
  return may;
}

absl::StatusOr<std::optional<Lease>> Scheduler::AcquireLease(const std::string& worker_id,
                                                             const std::string& incarnation,
                                                             const std::string& request_id) {
  const Asker asker{worker_id, incarnation, request_id};
  RETURN_IF_ERROR(liveness_.CheckWorker(worker_id, incarnation));
  // A submission wakes every worker that waits, and all but one find nothing: those are judged
  // here, beside one another, and do not hold up the writer. The one that finds a job is judged
  // again in the transaction, because another may have taken the job since.
  ASSIGN_OR_RETURN(const bool may, MayGetLease(asker));
  if (!may) return std::nullopt;
  std::optional<Lease> lease;
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(
        lease, Choose(store_.hot(), transaction, blobs_, asker, liveness_, clock_.Now(), effects));
    if (lease) effects.granted.push_back({lease->key, worker_id, incarnation});
    return absl::OkStatus();
  }));
  return lease;
}

}  // namespace tune::server
