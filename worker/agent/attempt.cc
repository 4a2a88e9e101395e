#include "worker/agent/attempt.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "base/utf8.h"
#include "run/checkpoints.h"
#include "run/folder.h"
#include "run/reason.h"
#include "worker/agent/folder_watch.h"
#include "worker/agent/run_inputs.h"
#include "worker/agent/supervisor.h"
#include "worker/agent/trainer_events.h"
#include "worker/agent/trainer_info.h"

namespace tune::worker {
namespace {

// From the first failure to fetch the inputs. What has come stays in the cache for the next
// attempt.
constexpr absl::Duration kTimeToFetch = absl::Minutes(5);

// For the end of the log of a run whose lease has ended.
constexpr absl::Duration kTimeForLastLog = absl::Seconds(10);

// Shows the trainer the lease's GPUs alone, as 0, 1, … The lease numbers those that this worker
// registered.
std::string VisibleGpus(const v1::Lease& lease, const std::vector<std::string>& gpus) {
  std::vector<std::string> names;
  for (const int32_t gpu : lease.gpus()) {
    const bool known = gpu >= 0 && gpu < std::ssize(gpus);
    names.push_back(known ? gpus[gpu] : absl::StrCat(gpu));
  }
  return absl::StrCat("CUDA_VISIBLE_DEVICES=", absl::StrJoin(names, ","));
}

std::vector<std::string> EnvironmentOf(const v1::Lease& lease, const AttemptOptions& options) {
  std::vector<std::string> variables;
  if (!options.token_cache.empty()) {
    variables.push_back(absl::StrCat(kTokenCacheVariable, "=", options.token_cache));
  }
  if (lease.gpus().empty()) return variables;
  variables.push_back(kGpuOrder);
  variables.push_back(VisibleGpus(lease, options.gpus));
  return variables;
}

}  // namespace

Attempt::Attempt(AttemptContext& context, v1::Lease lease)
    : Attempt(context, std::move(lease), nullptr, absl::ZeroDuration()) {}

Attempt::Attempt(AttemptContext& context, FoundRun run)
    : Attempt(context, std::move(run.lease), std::move(run.trainer), run.age) {}

Attempt::Attempt(AttemptContext& context, v1::Lease lease, std::unique_ptr<Process> found,
                 absl::Duration age)
    : context_(context),
      lease_(std::move(lease)),
      run_dir_(JoinPath(context.options.runs_dir, RunFolderName(lease_))),
      started_(context.clock.Monotonic() - age),
      found_(std::move(found)) {
  context_.leases.Add(lease_.key(), stop_);
  context_.metrics.RunStarted(lease_);
}

Attempt::~Attempt() {
  context_.metrics.RunEnded(lease_.key().job());
  context_.leases.Remove(lease_.key());
}

AttemptEnd Attempt::Run() {
  spdlog::info("{}: attempt {} {} epoch={} resume_step={}", lease_.key().job(), lease_.attempt(),
               found_ == nullptr ? "begins" : "goes on", lease_.key().epoch(),
               lease_.resume_from().step());
  AttemptEnd end = RunToEnd();
  if (IsSuspicious(end)) {
    const absl::Status fit = context_.self_check.Run();
    if (!fit.ok()) end = EndOfUnfitWorker(fit);
  }
  if (Tell(end) || !HoldsCheckpoint(run_dir_)) {
    RemoveRun();
  } else {
    spdlog::warn(
        "{}: {} stays for the worker's next start: it holds a checkpoint that is not "
        "registered",
        lease_.key().job(), run_dir_);
  }
  return end;
}

void Attempt::RemoveRun() {
  absl::MutexLock lock(&context_.cache_in_use);
  if (const absl::Status removed = RemoveRunFolder(); !removed.ok()) {
    spdlog::warn("{}: {}", lease_.key().job(), removed.ToString());
  }
  context_.cache.Save();
}

absl::Status Attempt::RemoveRunFolder() {
  const std::vector<v1::FileEntry> files = InputFiles(lease_);
  for (const absl::string_view inputs : {kModelFolder, kDatasetsFolder, kResumeFolder}) {
    RETURN_IF_ERROR(context_.cache.RemovePlaced(files, JoinPath(run_dir_, inputs)));
  }
  return RemoveAll(run_dir_);
}

AttemptEnd Attempt::RunToEnd() {
  oom_kills_before_ = context_.oom_kills().value_or(0);
  if (found_ != nullptr) return Train(*found_);
  const absl::Status prepared = Prepare();
  if (stop_.cause() != StopCause::kNone) return EndOfStopped(stop_.cause());
  if (!prepared.ok()) return EndOfPreparation(prepared);
  return StartAndTrain();
}

AttemptEnd Attempt::StartAndTrain() {
  const auto trainer =
      context_.processes.Start({.argv = {context_.options.trainer, "run", run_dir_, "--worker-lock",
                                         context_.options.worker_lock},
                                .working_dir = run_dir_,
                                .output_path = JoinPath(run_dir_, kTrainerLogFile),
                                .environment = EnvironmentOf(lease_, context_.options),
                                .holds_stop_signals = true});
  if (!trainer.ok()) return EndOfUnfitWorker(trainer.status());
  const absl::Status noted = NoteRun(run_dir_, lease_, (*trainer)->pid());
  if (!noted.ok()) spdlog::warn("{}: {}", lease_.key().job(), noted.ToString());
  return Train(**trainer);
}

absl::Status Attempt::Prepare() {
  Backoff backoff(context_.options.backoff);
  absl::Duration give_up_at = absl::InfiniteDuration();
  while (true) {
    const absl::Status status = PrepareOnce();
    if (status.ok() || EndOfPreparation(status).reason != kDownloadFailed) return status;
    const absl::Duration now = context_.clock.Monotonic();
    give_up_at = std::min(give_up_at, now + kTimeToFetch);
    if (now >= give_up_at || GivenUp()) return status;
    const StopCause cause = stop_.cause();
    if (stop_.WaitForChange(cause, backoff.Next()) != StopCause::kNone) return status;
  }
}

absl::Status Attempt::PrepareOnce() {
  ASSIGN_OR_RETURN(const auto inputs, InputsOf(lease_));
  absl::MutexLock lock(&context_.cache_in_use);
  RETURN_IF_ERROR(RemoveRunFolder());  // of an earlier try
  RETURN_IF_ERROR(context_.cache.MakeRoom(InputFiles(lease_), RoomOf(lease_)));
  const absl::Status made = MakeRunFolder(
      run_dir_, lease_, inputs, [this](const v1::FileEntry& file, const std::string& target) {
        if (stop_.cause() != StopCause::kNone) {
          return absl::CancelledError("stopped while its inputs were fetched");
        }
        return context_.cache.Place(file, target, context_.control);
      });
  context_.cache.Save();
  return made;
}

AttemptEnd Attempt::Train(Process& trainer) {
  const std::string& job = lease_.key().job();
  const AttemptOptions& options = context_.options;
  FolderWatch folder(run_dir_, FilesMade(lease_));
  Uploader uploader(context_.control, lease_.key(), run_dir_, stop_, context_.clock,
                    context_.metrics, options.backoff);
  TrainerEvents events(run_dir_, [&](const v1::TrainingEvent& event) {
    context_.metrics.Observe(job, event);
    // What is gone was registered, or passed over, before this worker started anew.
    if (event.has_checkpoint() && Exists(JoinPath(run_dir_, event.checkpoint().path()))) {
      uploader.Add(event.checkpoint());
    }
  });
  Reporter reporter(context_.control, lease_.key(), run_dir_, stop_,
                    {.poll_interval = options.poll_interval, .backoff = options.backoff});

  SuperviseOptions supervise{.poll_interval = options.poll_interval,
                             .grace = options.drain_timeout,
                             .yield_grace = options.yield_grace};
  if (lease_.time_limit_seconds() > 0) {
    // What was fetched before it began is no training.
    const absl::Duration began = found_ != nullptr ? started_ : context_.clock.Monotonic();
    supervise.time_limit_at = began + absl::Seconds(lease_.time_limit_seconds());
  }
  const bool alone = found_ != nullptr && trainer.Poll().has_value();
  const SupervisedEnd end = Supervise(trainer, stop_, context_.clock, supervise, [&] {
    events.Poll();
    NoteLost(folder.Lost());
    (void)GivenUp();  // the time to drain counts from the order, not from the trainer's end
  });
  FlushReports(reporter);
  FlushCheckpoints(uploader);
  NoteLost(events.failed() ? folder.LostWithInputs() : folder.Lost());
  return EndOf({.exit = end.exit,
                .killed_by_us = end.killed_by_us,
                .alone = alone,
                .out_of_memory = context_.oom_kills().value_or(0) > oom_kills_before_,
                .silent = events.none(),
                .finished = events.finished(),
                .failed = events.failed(),
                .stop = stop_.cause(),
                .final_committed = uploader.final_committed(),
                .final_status = uploader.final_status()});
}

void Attempt::NoteLost(const std::string& lost) {
  if (lost.empty() || stop_.cause() >= StopCause::kFolderLost) return;
  spdlog::warn("{}: {} was removed; nothing but this worker may remove files there",
               lease_.key().job(), lost);
  stop_.Raise(StopCause::kFolderLost);
}

void Attempt::FlushCheckpoints(Uploader& uploader) {
  uploader.Finish();
  while (!uploader.WaitDone(context_.options.poll_interval)) {
    if (GivenUp()) return uploader.Abort();
  }
}

void Attempt::FlushReports(Reporter& reporter) {
  reporter.Finish();
  const absl::Duration trainer_ended = context_.clock.Monotonic();
  while (!reporter.WaitDone(context_.options.poll_interval)) {
    const bool ended = stop_.cause() == StopCause::kLeaseEnded;
    const bool late = context_.clock.Monotonic() >= trainer_ended + kTimeForLastLog;
    if (ended ? late : GivenUp()) return reporter.Abort();
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

bool Attempt::Tell(const AttemptEnd& end) {
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
  return stop_.cause() == StopCause::kLeaseEnded || !IsTransient(status);
}

}  // namespace tune::worker
