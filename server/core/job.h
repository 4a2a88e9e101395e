// A job and its history, as the scheduler thinks of them. Ids are bare ("demo-3f9a2c");
// names with their collection ("jobs/demo-3f9a2c") are made in core/names.h.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "run/source_progress.h"
#include "run/spec.h"
#include "server/core/after.h"
#include "server/core/data_use.h"
#include "server/core/job_state.h"
#include "server/core/retry.h"

namespace tune::server {

// What the last reports said. A value that is not finite (a loss that blew up) stays as
// it came; NaN also stands for "not known yet".
struct Progress {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  int64_t step = 0;
  int64_t total_steps = 0;  // as planned at submit, then as the run counts them; 0: not known
  double epoch = 0;         // epochs completed, as a fraction
  double loss = kUnknown;
  double learning_rate = kUnknown;
  double grad_norm = kUnknown;
  double tokens_per_second = kUnknown;
  double seconds_per_step = kUnknown;  // moving average
  double eta_seconds = kUnknown;
  double eval_loss = kUnknown;
  std::vector<SourceProgress> sources;            // of a job with several datasets, else none
  absl::Time update_time = absl::InfinitePast();  // InfinitePast: never
};

struct Attempt {
  int32_t number = 0;  // from 1
  std::string worker_id;
  std::string incarnation;                       // of the worker's process
  absl::Time start_time = absl::InfinitePast();  // of the lease
  absl::Time end_time = absl::InfinitePast();    // InfinitePast: goes on
  std::string resumed_from;                      // "jobs/J/checkpoints/C"; "" for the model
  int64_t resumed_step = 0;
  int64_t last_step = 0;
  int64_t last_report_seq = 0;  // highest seq of the worker's events held
  std::string request_id;       // of the AcquireLease that began it
  std::string result;           // "Running", "Succeeded", "WorkerLost", "Cancelled", or the reason
  std::string message;
};

struct Job {
  std::string id;
  int64_t submit_order = 0;  // rises with every job created
  RunSpec spec;
  // The spec as it is stored, from its submission on; "" for a job that is not stored.
  std::string spec_json;
  std::map<std::string, std::string> labels;
  std::vector<std::string> after;  // ids of the jobs that must end before it begins
  AfterOutcome after_outcome = AfterOutcome::kSuccess;
  // Of `after`, those that are not over yet, or have ended otherwise.
  std::vector<std::string> waits_for;

  JobState state = JobState::kQueued;
  std::string reason;   // CamelCase: NoWorker, WorkerLost, NonFiniteLoss, Cancelled…
  std::string message;  // the same for people, with what to do next
  absl::Time create_time = absl::InfinitePast();
  absl::Time start_time = absl::InfinitePast();  // of the first lease; InfinitePast: none yet
  absl::Time end_time = absl::InfinitePast();    // InfinitePast: not over
  absl::Time queue_time = absl::InfinitePast();  // when it last became QUEUED
  Progress progress;
  std::string worker_id;  // that holds or last held it; "" for none
  // Why its worker is asked to write a checkpoint and let go of it, a name of run/reason.h; ""
  // where it is not.
  std::string yield_reason;
  int64_t epoch = 0;                // fence: raised by lease, end, cancel; never lowered
  int32_t attempt = 0;              // the number of the last one; 0: none yet
  Budget budget;                    // what its attempts' ends have cost it
  int64_t furthest_step = 0;        // that any ended attempt has reached
  absl::Duration run_time;          // that workers have held it, all attempts together
  absl::Duration retry_delay;       // it waits so long after it was queued
  std::vector<std::string> avoids;  // workers on which an attempt of it has failed
  std::vector<int32_t> gpus;        // indices of the worker's that it holds or last held
  std::string owner;                // who submitted it; "" where nobody was named
  std::vector<Attempt> attempts;    // filled by Queries::GetJob, else empty
  std::string latest_checkpoint;    // "jobs/J/checkpoints/C", newest resumable; "" for none
  std::string final_checkpoint;     // the same, of the result
  int32_t queue_position = 0;       // jobs that go first, while QUEUED; filled by Queries
  std::vector<std::string> warnings;
  // By dataset, what kind of file it is, where not every trainer reads that ("csv").
  std::map<std::string, std::string> file_kinds;
  std::vector<DataUse> data;  // of its datasets; empty where they were not looked through
  // Why the stored spec, labels or warnings cannot be read, and are not there; "" where all
  // can. Such a job is shown, and never leased.
  std::string unreadable;
};

// One entry of a job's history; exactly one of the groups is set, by `kind`.
struct JobEvent {
  enum class Kind { kStateChange, kTraining, kCheckpoint, kUnreadable };

  int64_t seq = 0;  // from 1, without gaps
  absl::Time time = absl::InfinitePast();
  int32_t attempt = 0;  // 0: before the first
  Kind kind = Kind::kStateChange;

  // kStateChange
  JobState state = JobState::kQueued;
  std::string reason;
  std::string message;
  std::string worker_id;
  std::string user;  // who ordered it; "" where nobody did, or is named

  // kTraining: the serialized event, opaque here.
  std::string payload;

  // kCheckpoint: "jobs/J/checkpoints/C".
  std::string checkpoint;

  // kUnreadable: `message` says why the stored entry cannot be told.
};

}  // namespace tune::server
