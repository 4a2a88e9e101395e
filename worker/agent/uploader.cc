#include "worker/agent/uploader.h"

#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "proto/wire/convert.h"
#include "run/checkpoints.h"
#include "run/manifest.h"

namespace tune::worker {
namespace {

absl::StatusOr<v1::CommitCheckpointRequest> Describe(const std::string& dir) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(dir));
  ASSIGN_OR_RETURN(const std::vector<FileEntry> files, CheckpointFiles(dir, manifest));
  v1::CommitCheckpointRequest request;
  request.set_step(manifest.step);
  request.set_epoch(manifest.epoch);
  request.set_loss(manifest.loss);
  request.set_final(manifest.final);
  for (const FileEntry& file : files) *request.add_files() = ToProto(file);
  return request;
}

}  // namespace

Uploader::Uploader(ControlPlane& control, v1::LeaseKey key, std::string run_dir, StopSignal& stop,
                   Clock& clock, Metrics& metrics, BackoffOptions backoff)
    : control_(control),
      key_(std::move(key)),
      run_dir_(std::move(run_dir)),
      stop_(stop),
      clock_(clock),
      metrics_(metrics),
      backoff_(backoff),
      thread_([this] { Run(); }) {}

Uploader::~Uploader() {
  if (thread_.joinable()) Abort();
}

void Uploader::Add(const Checkpoint& checkpoint) {
  std::optional<Checkpoint> older;
  {
    absl::MutexLock lock(&mutex_);
    older = std::exchange(checkpoint.final() ? final_ : newest_, checkpoint);
  }
  if (older) PassOver(*older, checkpoint.step());
}

void Uploader::PassOver(const Checkpoint& checkpoint, int64_t newer_step) {
  spdlog::info("{}: checkpoint of step {} is passed over for that of step {}", key_.job(),
               checkpoint.step(), newer_step);
  Remove(checkpoint);
}

void Uploader::Remove(const Checkpoint& checkpoint) {
  const absl::Status removed = RemoveCheckpoint(JoinPath(run_dir_, checkpoint.path()));
  if (!removed.ok()) spdlog::warn("{}: {}", key_.job(), removed.ToString());
}

void Uploader::Finish() {
  absl::MutexLock lock(&mutex_);
  finishing_ = true;
}

void Uploader::Abort() {
  aborted_.Notify();
  Finish();
  thread_.join();
}

void Uploader::Run() {
  Checkpoint checkpoint;
  while (Next(checkpoint)) {
    Register(checkpoint);
    // What is given up on may be registered in the worker's next life.
    if (aborted_.HasBeenNotified()) break;
    Remove(checkpoint);
  }
  done_.Notify();
}

bool Uploader::Next(Checkpoint& checkpoint) {
  absl::MutexLock lock(&mutex_);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return finishing_ || newest_ || final_;
  };
  mutex_.Await(absl::Condition(&ready));
  std::optional<Checkpoint>& next = newest_ ? newest_ : final_;  // in the order of their steps
  if (!next || aborted_.HasBeenNotified()) return false;
  checkpoint = *std::exchange(next, std::nullopt);
  return true;
}

void Uploader::Register(const Checkpoint& checkpoint) {
  const absl::Duration start = clock_.Monotonic();
  Backoff backoff(backoff_);
  absl::Status status;
  int refusals = 0;
  do {
    status = RegisterOnce(checkpoint);
    // A blob that another checkpoint held may have gone with it since it was asked for.
    if (absl::IsFailedPrecondition(status)) ++refusals;
  } while ((IsTransient(status) || (absl::IsFailedPrecondition(status) && refusals < 3)) &&
           !aborted_.WaitForNotificationWithTimeout(backoff.Next()));
  Record(checkpoint, status, clock_.Monotonic() - start);
}

absl::Status Uploader::RegisterOnce(const Checkpoint& checkpoint) {
  const std::string dir = JoinPath(run_dir_, checkpoint.path());
  ASSIGN_OR_RETURN(auto request, Describe(dir));
  *request.mutable_key() = key_;
  for (const v1::FileEntry& file : request.files()) {
    if (aborted_.HasBeenNotified()) return absl::CancelledError("the attempt is over");
    RETURN_IF_ERROR(control_.Upload(JoinPath(dir, file.path()), file.sha256(), file.size_bytes()));
  }
  return control_.CommitCheckpoint(request).status();
}

void Uploader::Record(const Checkpoint& checkpoint, const absl::Status& status,
                      absl::Duration took) {
  if (checkpoint.final()) {
    final_committed_ = status.ok();
    final_status_ = status;
  }
  if (status.ok()) {
    spdlog::info("{}: checkpoint {} registered seconds={:.1f}", key_.job(), checkpoint.path(),
                 absl::ToDoubleSeconds(took));
    metrics_.CheckpointCommitted(key_.job(), checkpoint, took);
  } else if (IsLeaseEnded(status)) {
    stop_.Raise(StopCause::kLeaseEnded);
  } else if (!aborted_.HasBeenNotified()) {
    spdlog::error("{}: checkpoint {} is not registered: {}", key_.job(), checkpoint.path(),
                  status.ToString());
    metrics_.CheckpointFailed();
  }
}

}  // namespace tune::worker
