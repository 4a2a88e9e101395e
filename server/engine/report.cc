#include "server/engine/report.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "run/checkpoint_id.h"
#include "run/names.h"
#include "server/core/errors.h"
#include "server/core/progress.h"
#include "server/core/retry.h"
#include "server/core/text.h"
#include "server/engine/attempts.h"

namespace tune::server {
namespace {

constexpr size_t kMaxEvents = 10000;
constexpr size_t kMaxLogBytes = 1 << 20;
constexpr size_t kMaxMessageBytes = 16 << 10;
constexpr size_t kMaxReasonBytes = 128;
constexpr int64_t kAllCheckpoints = 1000000;

absl::Status Invalid(const std::string& field, const std::string& message) {
  FieldErrors errors;
  errors.Add(field, message);
  return errors.ToStatus("report");
}

// The job whose last attempt `key` speaks for, which may have ended: what its trainer wrote until
// it was stopped is still to come. No attempt began since, and the end raised the epoch by one,
// or not at all where the worker was lost and the job waits for another.
absl::StatusOr<Job> GetLoggedJob(Reader& reader, const LeaseKey& key) {
  ASSIGN_OR_RETURN(Job job, reader.GetJob(key.job_id));
  if (IsHeld(job.state) || job.attempt == 0) return GetHeldJob(reader, key);
  ASSIGN_OR_RETURN(const Attempt last, reader.GetAttempt(job.id, job.attempt));
  const bool lost = last.result == kWorkerLost && job.state == JobState::kQueued;
  if (job.epoch == key.epoch + (lost ? 0 : 1)) return job;
  return StaleEpoch(key);
}

// Each with a time: where the trainer gave none, that of its arrival.
std::vector<TrainingReport> WithTimes(absl::Span<const TrainingReport> events, absl::Time now) {
  std::vector<TrainingReport> timed(events.begin(), events.end());
  for (TrainingReport& report : timed) {
    if (report.time == absl::InfinitePast()) report.time = now;
  }
  return timed;
}

JobEvent TrainingEvent(const Job& job, const TrainingReport& report) {
  JobEvent event;
  event.kind = JobEvent::Kind::kTraining;
  event.time = report.time;
  event.attempt = job.attempt;
  event.payload = report.payload;
  return event;
}

void ApplyToAttempt(const TrainingReport& report, Attempt& attempt) {
  ++attempt.last_report_seq;
  if (report.kind == TrainingReport::Kind::kStarted) {
    attempt.resumed_step = attempt.last_step = report.resumed_step;
  } else if (report.kind == TrainingReport::Kind::kStep) {
    attempt.last_step = report.step;
  }
}

absl::Status ApplyEvents(Transaction& transaction, const Job& job, Attempt attempt,
                         absl::Span<const TrainingReport> events, absl::Duration run_time,
                         absl::Time now) {
  const std::vector<TrainingReport> timed = WithTimes(events, now);
  // The history shows a trainer's first word no earlier than the state that it brings.
  const absl::Time began = timed.empty() ? now : std::min(timed.front().time, now);
  ASSIGN_OR_RETURN(const Job running, MarkRunning(transaction, job, began));
  Job after = running;
  RETURN_IF_ERROR(ChargeRunTime(transaction, run_time, now, after));
  for (const TrainingReport& report : timed) {
    RETURN_IF_ERROR(transaction.AppendEvent(job.id, TrainingEvent(running, report)).status());
    ApplyReport(report, attempt.resumed_step, after.progress);
    ApplyToAttempt(report, attempt);
  }
  RETURN_IF_ERROR(transaction.UpdateAttempt(job.id, attempt));
  return transaction.UpdateJob(running, after);
}

absl::StatusOr<Checkpoint> MakeCheckpoint(Reader& reader, const Job& job,
                                          const CheckpointDraft& draft, absl::Time now) {
  ASSIGN_OR_RETURN(const Attempt attempt, reader.GetAttempt(job.id, job.attempt));
  Checkpoint checkpoint;
  checkpoint.job_id = job.id;
  checkpoint.id = draft.final ? std::string(kFinalCheckpointId) : StepCheckpointId(draft.step);
  checkpoint.step = draft.step;
  checkpoint.epoch = draft.epoch;
  checkpoint.loss = draft.loss;
  checkpoint.final = draft.final;
  checkpoint.files = draft.files;
  SortByPath(checkpoint.files);
  checkpoint.size_bytes = TotalBytes(draft.files);
  checkpoint.digest = FilesDigest(draft.files);
  checkpoint.parent = attempt.resumed_from.empty() ? job.spec.model : attempt.resumed_from;
  checkpoint.create_time = now;
  return checkpoint;
}

absl::Status PointJobAt(Transaction& transaction, const Job& job, const Checkpoint& checkpoint,
                        absl::Time now) {
  const std::string name = CheckpointName(job.id, checkpoint.id);
  Job after = job;
  (checkpoint.final ? after.final_checkpoint : after.latest_checkpoint) = name;
  RETURN_IF_ERROR(transaction.UpdateJob(job, after));
  JobEvent event;
  event.kind = JobEvent::Kind::kCheckpoint;
  event.time = now;
  event.attempt = job.attempt;
  event.checkpoint = name;
  return transaction.AppendEvent(job.id, event).status();
}

// Takes away the resumable checkpoints beyond the newest `keep`; adds their files to
// `dropped`. Those of a higher step than the newest one's stay: a job that had to begin anew may
// find them whole again until it has come as far.
absl::Status Retain(Transaction& transaction, const std::string& job_id, int64_t keep,
                    std::vector<FileEntry>& dropped) {
  ASSIGN_OR_RETURN(const auto rows,
                   transaction.ListCheckpoints({job_id, /*before_order=*/0, kAllCheckpoints}));
  int64_t kept = 0, newest_step = -1;
  for (const CheckpointRow& row : rows) {
    if (row.checkpoint.final) continue;
    newest_step = newest_step < 0 ? row.checkpoint.step : newest_step;
    if (kept++ < std::max<int64_t>(keep, 1) || row.checkpoint.step > newest_step) continue;
    RETURN_IF_ERROR(transaction.DeleteCheckpoint(job_id, row.checkpoint.id));
    dropped.insert(dropped.end(), row.checkpoint.files.begin(), row.checkpoint.files.end());
  }
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> CommitDraft(Transaction& transaction, const LeaseKey& key,
                                       const CheckpointDraft& draft, absl::Time now,
                                       Effects& effects) {
  std::vector<FileEntry>& dropped = effects.dropped;
  ASSIGN_OR_RETURN(const Job job, HoldJob(transaction, key, now, effects));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, MakeCheckpoint(transaction, job, draft, now));
  const auto earlier = transaction.GetCheckpoint(job.id, checkpoint.id);
  if (!earlier.ok() && !absl::IsNotFound(earlier.status())) return earlier.status();
  if (earlier.ok() && earlier->digest == checkpoint.digest) return *earlier;
  if (earlier.ok()) {
    // An attempt that was lost had come as far; this one's run counts.
    RETURN_IF_ERROR(transaction.DeleteCheckpoint(job.id, checkpoint.id));
    dropped.insert(dropped.end(), earlier->files.begin(), earlier->files.end());
  }
  RETURN_IF_ERROR(transaction.InsertCheckpoint(checkpoint));
  RETURN_IF_ERROR(PointJobAt(transaction, job, checkpoint, now));
  RETURN_IF_ERROR(Retain(transaction, job.id, job.spec.keep_checkpoints, dropped));
  return checkpoint;
}

absl::Status Finish(Transaction& transaction, const Job& job, const AttemptEnd& end,
                    absl::Duration run_time, absl::Time now, Effects& effects) {
  const std::string message = MachineText(end.message, kMaxMessageBytes);
  if (end.outcome != Outcome::kSucceeded) {
    const std::string reason =
        end.reason.empty() ? "Failed" : MachineText(end.reason, kMaxReasonBytes);
    const Cost cost = CostOf(reason, end.outcome == Outcome::kFailedRetryable);
    return FailAttempt(transaction, job, {reason, message, run_time}, cost, now, effects).status();
  }
  if (job.final_checkpoint.empty() || job.state != JobState::kRunning) {
    return absl::FailedPreconditionError(absl::StrCat(
        "jobs/", job.id, ": SUCCEEDED needs a committed final checkpoint of a RUNNING job; it is ",
        JobStateName(job.state)));
  }
  return EndJob(transaction, job, JobState::kSucceeded, {"Succeeded", message, run_time}, now,
                effects)
      .status();
}

}  // namespace

Reports::Reports(Store& store, Commits& commits, JobLogs& logs, Clock& clock, Liveness& liveness,
                 EventHub& hub)
    : store_(store),
      commits_(commits),
      logs_(logs),
      clock_(clock),
      liveness_(liveness),
      hub_(hub) {}

// Before its first report an attempt fetches what it needs: that is no training.
absl::Duration Reports::TrainedTime(const Attempt& attempt, const LeaseKey& key, Effects& effects) {
  const absl::Duration held = TakeRunTime(liveness_, key, effects);
  return attempt.last_report_seq > 0 ? held : absl::ZeroDuration();
}

absl::StatusOr<int64_t> Reports::ReportEvents(const LeaseKey& key, int64_t first_seq,
                                              const std::vector<TrainingReport>& events) {
  const auto count = static_cast<int64_t>(events.size());
  if (first_seq < 1)
    return Invalid("first_seq", absl::StrCat("must be at least 1, got ", first_seq));
  if (events.size() > kMaxEvents) {
    return Invalid("events", absl::StrCat("must be at most ", kMaxEvents, ", got ", count));
  }
  int64_t last_seq = 0;
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, HoldJob(transaction, key, clock_.Now(), effects));
    ASSIGN_OR_RETURN(const Attempt attempt, transaction.GetAttempt(job.id, job.attempt));
    last_seq = attempt.last_report_seq;
    const int64_t held = last_seq + 1 - first_seq;  // of these events, at their beginning
    if (held < 0) return absl::OkStatus();
    const auto fresh = absl::MakeSpan(events).subspan(std::min(held, count));
    last_seq = std::max(last_seq, first_seq + count - 1);
    effects.changed_jobs.insert(job.id);
    return ApplyEvents(transaction, job, attempt, fresh, TrainedTime(attempt, key, effects),
                       clock_.Now());
  }));
  return last_seq;
}

absl::StatusOr<int64_t> Reports::AppendLogs(const LeaseKey& key, int64_t offset,
                                            absl::string_view data) {
  if (data.size() > kMaxLogBytes) {
    return Invalid("data", absl::StrCat("must be at most ", kMaxLogBytes, " bytes"));
  }
  Job job;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(job, GetLoggedJob(reader, key));
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const int64_t size, logs_.Append(key.job_id, job.attempt, offset, data));
  hub_.Notify(key.job_id);
  return size;
}

absl::StatusOr<Checkpoint> Reports::CommitCheckpoint(const LeaseKey& key,
                                                     const CheckpointDraft& draft) {
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) { return CheckHolds(reader, key); }));
  RETURN_IF_ERROR(CheckFiles(draft.files, "files"));
  if (draft.step < 0) return Invalid("step", absl::StrCat("must be at least 0, got ", draft.step));
  Checkpoint checkpoint;
  RETURN_IF_ERROR(commits_.RunReferring(
      draft.files, "files", [&](Transaction& transaction, Effects& effects) -> absl::Status {
        effects.changed_jobs.insert(key.job_id);
        ASSIGN_OR_RETURN(checkpoint, CommitDraft(transaction, key, draft, clock_.Now(), effects));
        return absl::OkStatus();
      }));
  return checkpoint;
}

absl::Status Reports::FinishAttempt(const LeaseKey& key, const AttemptEnd& end) {
  return commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, HoldJob(transaction, key, clock_.Now(), effects));
    ASSIGN_OR_RETURN(const Attempt attempt, transaction.GetAttempt(job.id, job.attempt));
    const absl::Duration run_time = TrainedTime(attempt, key, effects);
    return Finish(transaction, job, end, run_time, clock_.Now(), effects);
  });
}

}  // namespace tune::server
