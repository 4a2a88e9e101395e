#include "worker/agent/uploader.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "proto/wire/convert.h"
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
                   Clock& clock, Metrics& metrics, UploadOptions options)
    : control_(control),
      key_(std::move(key)),
      run_dir_(std::move(run_dir)),
      stop_(stop),
      clock_(clock),
      metrics_(metrics),
      options_(options),
      thread_([this] { Run(); }) {}

Uploader::~Uploader() {
  Abort();
  thread_.join();
}

void Uploader::Add(const Checkpoint& checkpoint) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(checkpoint);
}

void Uploader::Finish() {
  absl::MutexLock lock(&mutex_);
  finishing_ = true;
}

void Uploader::Abort() {
  aborted_.Raise();
  Finish();
}

void Uploader::Run() {
  Checkpoint checkpoint;
  while (Next(checkpoint)) {
    Register(checkpoint);
    if (absl::Status removed = RemoveAll(JoinPath(run_dir_, checkpoint.path())); !removed.ok()) {
      spdlog::warn("{}: {}", key_.job(), removed.ToString());
    }
  }
  done_.Raise();
}

bool Uploader::Next(Checkpoint& checkpoint) {
  absl::MutexLock lock(&mutex_);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return finishing_ || !waiting_.empty();
  };
  mutex_.Await(absl::Condition(&ready));
  if (waiting_.empty() || aborted_.raised()) return false;
  checkpoint = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

bool Uploader::IsSuperseded(const Checkpoint& checkpoint) {
  if (checkpoint.final()) return false;
  absl::MutexLock lock(&mutex_);
  const auto newer = std::count_if(waiting_.begin(), waiting_.end(),
                                   [](const Checkpoint& other) { return !other.final(); });
  return newer >= std::max<int64_t>(1, options_.keep_checkpoints);
}

void Uploader::Register(const Checkpoint& checkpoint) {
  const absl::Duration start = clock_.Monotonic();
  Backoff backoff(options_.backoff);
  absl::Status status;
  int refusals = 0;
  do {
    if (IsSuperseded(checkpoint)) {
      spdlog::info("{}: checkpoint of step {} is passed over: newer ones wait", key_.job(),
                   checkpoint.step());
      return;
    }
    status = RegisterOnce(checkpoint);
    // A blob that another checkpoint held may have gone with it since it was asked for.
    if (absl::IsFailedPrecondition(status)) ++refusals;
  } while ((IsTransient(status) || (absl::IsFailedPrecondition(status) && refusals < 3)) &&
           !aborted_.WaitFor(backoff.Next()));
  Record(checkpoint, status, clock_.Monotonic() - start);
}

absl::Status Uploader::RegisterOnce(const Checkpoint& checkpoint) {
  const std::string dir = JoinPath(run_dir_, checkpoint.path());
  ASSIGN_OR_RETURN(auto request, Describe(dir));
  *request.mutable_key() = key_;
  for (const v1::FileEntry& file : request.files()) {
    if (aborted_.raised()) return absl::CancelledError("the attempt is over");
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
  } else if (!aborted_.raised()) {
    spdlog::error("{}: checkpoint {} is not registered: {}", key_.job(), checkpoint.path(),
                  status.ToString());
    metrics_.CheckpointFailed();
  }
}

}  // namespace tune::worker
