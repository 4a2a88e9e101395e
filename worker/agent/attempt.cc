#include "worker/agent/attempt.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "base/utf8.h"
#include "proto/wire/status.h"
#include "run/folder.h"
#include "worker/agent/run_inputs.h"
#include "worker/agent/supervisor.h"
#include "worker/agent/trainer_events.h"
#include "worker/agent/uploader.h"

namespace tune::worker {
namespace {

constexpr size_t kLogLinesInMessage = 10;
constexpr int64_t kLogBytesInMessage = 2000;

}  // namespace

Attempt::Attempt(AttemptContext& context, v1::Lease lease)
    : context_(context),
      lease_(std::move(lease)),
      run_dir_(JoinPath(context.options.runs_dir, RunFolderName(lease_))),
      started_(context.clock.Monotonic()) {
  context_.leases.Add(lease_.key(), stop_);
  context_.metrics.RunStarted(lease_);
}

Attempt::~Attempt() {
  context_.metrics.RunEnded(lease_.key().job());
  context_.leases.Remove(lease_.key());
}

AttemptEnd Attempt::Run() {
  spdlog::info("{}: attempt {} begins epoch={} resume_step={}", lease_.key().job(),
               lease_.attempt(), lease_.key().epoch(), lease_.resume_from().step());
  AttemptEnd end = RunToEnd();
  Tell(end);
  if (const absl::Status removed = RemoveAll(run_dir_); !removed.ok()) {
    spdlog::warn("{}: {}", lease_.key().job(), removed.ToString());
  }
  return end;
}

AttemptEnd Attempt::RunToEnd() {
  const absl::Status prepared = Prepare();
  if (stop_.cause() != StopCause::kNone) return EndOfStopped(stop_.cause());
  if (!prepared.ok()) return EndOfPreparation(prepared);
  const auto trainer =
      context_.processes.Start({.argv = {context_.options.trainer, "run", run_dir_},
                                .working_dir = run_dir_,
                                .output_path = JoinPath(run_dir_, kTrainerLogFile)});
  return trainer.ok() ? Train(**trainer)
                      : EndOfPreparation(absl::InternalError(trainer.status().message()));
}

absl::Status Attempt::Prepare() {
  Backoff backoff(context_.options.backoff);
  while (true) {
    const absl::Status status = PrepareOnce();
    const bool away = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                      ReasonOf(status) == kOverloaded;
    if (!away || GivenUp()) return status;
    const StopCause cause = stop_.cause();
    if (stop_.WaitForChange(cause, backoff.Next()) != StopCause::kNone) return status;
  }
}

absl::Status Attempt::PrepareOnce() {
  ASSIGN_OR_RETURN(const auto inputs, InputsOf(lease_));
  std::vector<v1::FileEntry> files;
  for (const RunInput& input : inputs) files.push_back(input.file);
  RETURN_IF_ERROR(context_.cache.MakeRoom(files));
  return MakeRunFolder(run_dir_, lease_, inputs,
                       [this](const v1::FileEntry& file) -> absl::StatusOr<std::string> {
                         if (stop_.cause() != StopCause::kNone) {
                           return absl::CancelledError("stopped while its inputs were fetched");
                         }
                         return context_.cache.Get(file, context_.control);
                       });
}

AttemptEnd Attempt::Train(Process& trainer) {
  const std::string& job = lease_.key().job();
  const AttemptOptions& options = context_.options;
  TrainerEvents events(
      run_dir_, [&](const v1::TrainingEvent& event) { context_.metrics.Observe(job, event); });
  Uploader uploader(
      context_.control, lease_.key(), run_dir_, stop_, context_.clock, context_.metrics,
      {.keep_checkpoints = lease_.spec().keep_checkpoints(), .backoff = options.backoff});
  Reporter reporter(
      context_.control, lease_.key(), run_dir_,
      [&](const v1::TrainingEvent::CheckpointSaved& checkpoint) { uploader.Add(checkpoint); },
      stop_, {.poll_interval = options.poll_interval, .backoff = options.backoff});

  SuperviseOptions supervise{.poll_interval = options.poll_interval,
                             .grace = options.drain_timeout};
  if (lease_.time_limit_seconds() > 0) {
    supervise.time_limit_at = started_ + absl::Seconds(lease_.time_limit_seconds());
  }
  const SupervisedEnd end = Supervise(trainer, stop_, context_.clock, supervise, [&] {
    events.Poll();
    (void)GivenUp();  // the time to drain counts from the order, not from the trainer's end
  });
  Flush(reporter);
  Flush(uploader);
  return EndOf({.exit = end.exit,
                .killed_by_us = end.killed_by_us,
                .finished = events.finished(),
                .failed = events.failed(),
                .stop = stop_.cause(),
                .final_committed = uploader.final_committed(),
                .final_status = uploader.final_status(),
                .last_log_lines = LastLines(JoinPath(run_dir_, kTrainerLogFile), kLogLinesInMessage,
                                            kLogBytesInMessage)});
}

template <typename Sender>
void Attempt::Flush(Sender& sender) {
  sender.Finish();
  while (!sender.WaitDone(context_.options.poll_interval)) {
    if (GivenUp()) sender.Abort();
  }
}

bool Attempt::GivenUp() {
  const StopCause cause = stop_.cause();
  const absl::Duration now = context_.clock.Monotonic();
  if (cause == StopCause::kDraining && drain_deadline_ == absl::InfiniteDuration()) {
    drain_deadline_ = now + context_.options.drain_timeout;
  }
  return cause == StopCause::kLeaseEnded ||
         (cause == StopCause::kDraining && now >= drain_deadline_);
}

void Attempt::Tell(const AttemptEnd& end) {
  const std::string& job = lease_.key().job();
  v1::FinishAttemptRequest request;
  *request.mutable_key() = lease_.key();
  request.set_outcome(end.outcome);
  request.set_reason(ReplaceInvalidUtf8(end.reason));
  request.set_message(ReplaceInvalidUtf8(end.message));
  Backoff backoff(context_.options.backoff);
  absl::Status status;
  do {
    if (stop_.cause() == StopCause::kLeaseEnded) break;
    status = context_.control.FinishAttempt(request).status();
    if (!IsTransient(status)) break;
    stop_.WaitForChange(stop_.cause(), backoff.Next());
  } while (!GivenUp());
  if (stop_.cause() == StopCause::kLeaseEnded || IsLeaseEnded(status)) {
    spdlog::info("{}: its lease has ended; attempt {} is dropped", job, lease_.attempt());
  } else if (!status.ok()) {
    spdlog::error("{}: its end is not told: {}", job, status.ToString());
  } else {
    spdlog::info("{}: attempt {} ended outcome={} reason={}", job, lease_.attempt(),
                 v1::FinishAttemptRequest::Outcome_Name(end.outcome), end.reason);
  }
}

}  // namespace tune::worker
