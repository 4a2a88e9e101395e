// How an attempt can end: one table, which the trainer, the worker and the scheduler share.
// Nothing but the job fails a job: what an operator does, or a machine suffers, costs it time.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tune {

// Whose fault an end is. `kNobody`: an order, or a machine that went away.
enum class Fault { kNobody, kJob, kData, kWorker, kScheduler };

// What an end costs the job.
enum class Cost {
  kNothing,     // the next attempt begins as if this one had not been
  kDisruption,  // one of the disruptions that a job may suffer without progress between them
  kRetry,       // one of the spec's `retries`
  kJob,         // the job is over
};

struct Reason {
  absl::string_view name;  // CamelCase, for programs; in events, attempts and metrics
  Fault fault;
  Cost cost;
  absl::string_view next;  // what a person does next; "" where there is nothing to do
};

// Every end but success, sorted by name.
absl::Span<const Reason> Reasons();

// Null for a name that the table lacks: a program of another version gave it.
const Reason* FindReason(absl::string_view name);

absl::string_view FaultName(Fault fault);  // "nobody", "job", "data", "worker", "scheduler"

// The names. The first group ends a trainer's run, as its `failed` event tells.
inline constexpr absl::string_view kBadCheckpoint = "BadCheckpoint";
inline constexpr absl::string_view kBadData = "BadData";
inline constexpr absl::string_view kBadModel = "BadModel";
inline constexpr absl::string_view kBadSpec = "BadSpec";
inline constexpr absl::string_view kDiskFull = "DiskFull";
inline constexpr absl::string_view kInternal = "Internal";
inline constexpr absl::string_view kLossSpike = "LossSpike";
inline constexpr absl::string_view kNoDevice = "NoDevice";
inline constexpr absl::string_view kNonFiniteLoss = "NonFiniteLoss";
inline constexpr absl::string_view kOutOfMemory = "OutOfMemory";
inline constexpr absl::string_view kRankLost = "RankLost";
inline constexpr absl::string_view kResumeMismatch = "ResumeMismatch";
inline constexpr absl::string_view kRowTooLong = "RowTooLong";
inline constexpr absl::string_view kTrainerOrphaned = "TrainerOrphaned";
// The worker tells these of an attempt.
inline constexpr absl::string_view kBadLease = "BadLease";
inline constexpr absl::string_view kCheckpointNotRegistered = "CheckpointNotRegistered";
inline constexpr absl::string_view kCorruptBlob = "CorruptBlob";
inline constexpr absl::string_view kDownloadFailed = "DownloadFailed";
inline constexpr absl::string_view kMissingInput = "MissingInput";
inline constexpr absl::string_view kReportRefused = "ReportRefused";
inline constexpr absl::string_view kRunFolderLost = "RunFolderLost";
inline constexpr absl::string_view kTimeLimit = "TimeLimit";
inline constexpr absl::string_view kTrainerCrashed = "TrainerCrashed";
inline constexpr absl::string_view kTrainerDiedAtStart = "TrainerDiedAtStart";
inline constexpr absl::string_view kTrainerStopped = "TrainerStopped";
inline constexpr absl::string_view kWorkerDraining = "WorkerDraining";
inline constexpr absl::string_view kWorkerUnfit = "WorkerUnfit";
inline constexpr absl::string_view kYielded = "Yielded";
// The scheduler gives these itself.
inline constexpr absl::string_view kCancelled = "Cancelled";
inline constexpr absl::string_view kDependencyFailed = "DependencyFailed";
inline constexpr absl::string_view kDisruptedTooOften = "DisruptedTooOften";
inline constexpr absl::string_view kPaused = "Paused";
inline constexpr absl::string_view kPreempted = "Preempted";
inline constexpr absl::string_view kWorkerLost = "WorkerLost";

}  // namespace tune
