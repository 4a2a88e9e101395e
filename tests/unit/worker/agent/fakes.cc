#include "fakes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "proto/wire/status.h"

namespace tune::worker {
namespace {

// No lease has this epoch.
constexpr int64_t kEnded = -1;

}  // namespace

absl::Status StaleEpoch() {
  return WithReason(absl::AbortedError("the lease has ended"), kStaleEpoch);
}

absl::Status UnknownWorker() {
  return WithReason(absl::FailedPreconditionError("not registered"), "UNKNOWN_WORKER");
}

void FakeControlPlane::SetFault(Fault fault) {
  absl::MutexLock lock(&mutex_);
  fault_ = std::move(fault);
}

void FakeControlPlane::ForgetEventsAfter(int64_t seq) {
  absl::MutexLock lock(&mutex_);
  events_.resize(seq);
}

void FakeControlPlane::AskToYield() {
  absl::MutexLock lock(&mutex_);
  yields_ = true;
}

void FakeControlPlane::EndLease() {
  absl::MutexLock lock(&mutex_);
  lease_ended_ = true;
}

void FakeControlPlane::Offer(v1::Lease lease) {
  absl::MutexLock lock(&mutex_);
  offers_.push_back(std::move(lease));
}

void FakeControlPlane::PutBlob(const std::string& content) {
  absl::MutexLock lock(&mutex_);
  blobs_[Sha256Hex(content)] = content;
}

std::vector<v1::TrainingEvent> FakeControlPlane::events() const {
  absl::MutexLock lock(&mutex_);
  return events_;
}

std::string FakeControlPlane::log() const {
  absl::MutexLock lock(&mutex_);
  return log_;
}

std::vector<v1::CommitCheckpointRequest> FakeControlPlane::commits() const {
  absl::MutexLock lock(&mutex_);
  return commits_;
}

std::vector<v1::FinishAttemptRequest> FakeControlPlane::ends() const {
  absl::MutexLock lock(&mutex_);
  return ends_;
}

std::vector<std::string> FakeControlPlane::journal() const {
  absl::MutexLock lock(&mutex_);
  return journal_;
}

std::vector<std::string> FakeControlPlane::acquire_request_ids() const {
  absl::MutexLock lock(&mutex_);
  return request_ids_;
}

std::vector<v1::RegisterWorkerRequest> FakeControlPlane::registrations() const {
  absl::MutexLock lock(&mutex_);
  return registrations_;
}

int64_t FakeControlPlane::Count(const std::string& entry) const {
  const auto entries = journal();
  return std::count(entries.begin(), entries.end(), entry);
}

bool FakeControlPlane::HasBlob(const std::string& sha256) const {
  absl::MutexLock lock(&mutex_);
  return blobs_.contains(sha256);
}

bool FakeControlPlane::Await(const std::function<bool(const FakeControlPlane&)>& condition) const {
  // Every call adds to the journal, so that its growth is what to wait for.
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!condition(*this)) {
    absl::MutexLock lock(&mutex_);
    const size_t seen = journal_.size();
    const auto grown = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return journal_.size() > seen; };
    // Bounded, for an entry may have come between the look and the lock.
    mutex_.AwaitWithTimeout(absl::Condition(&grown), absl::Milliseconds(20));
    if (absl::Now() > deadline) return false;
  }
  return true;
}

absl::Status FakeControlPlane::Enter(const std::string& method) {
  Fault fault;
  {
    absl::MutexLock lock(&mutex_);
    fault = fault_;
  }
  const absl::Status status = fault ? fault(method) : absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) Note(method + " failed");
  return status;
}

absl::Status FakeControlPlane::CheckWorker(const std::string& worker,
                                           const std::string& incarnation) const {
  const auto known = incarnations_.find(worker);
  const bool registered = known != incarnations_.end() && known->second == incarnation;
  return registered ? absl::OkStatus() : UnknownWorker();
}

bool FakeControlPlane::Holds(const v1::LeaseKey& key) const {
  const auto held = held_epochs_.find(key.job());
  return !lease_ended_ && (held == held_epochs_.end() || held->second == key.epoch());
}

absl::Status FakeControlPlane::CheckLease(const v1::LeaseKey& key) const {
  return Holds(key) ? absl::OkStatus() : StaleEpoch();
}

void FakeControlPlane::Note(std::string entry) { journal_.push_back(std::move(entry)); }

absl::StatusOr<v1::RegisterWorkerResponse> FakeControlPlane::RegisterWorker(
    const v1::RegisterWorkerRequest& request) {
  RETURN_IF_ERROR(Enter("RegisterWorker"));
  absl::MutexLock lock(&mutex_);
  registrations_.push_back(request);
  Note("RegisterWorker " + request.worker_id());
  incarnations_["workers/" + request.worker_id()] = request.incarnation();
  v1::RegisterWorkerResponse response;
  response.set_lease_ttl_ms(30000);
  response.set_heartbeat_interval_ms(5000);
  return response;
}

absl::StatusOr<v1::AcquireLeaseResponse> FakeControlPlane::AcquireLease(
    const v1::AcquireLeaseRequest& request) {
  {
    absl::MutexLock lock(&mutex_);
    request_ids_.push_back(request.request_id());
  }
  RETURN_IF_ERROR(Enter("AcquireLease"));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckWorker(request.worker(), request.incarnation()));
  v1::AcquireLeaseResponse response;
  if (const auto given = given_.find(request.request_id());
      given != given_.end() && Holds(given->second.key())) {
    *response.mutable_lease() = given->second;
    return response;
  }
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return acquiring_stopped_ || !offers_.empty();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::Milliseconds(request.wait_ms()));
  if (acquiring_stopped_) return absl::CancelledError("stopped");
  Note("AcquireLease");
  if (offers_.empty()) return response;
  *response.mutable_lease() = offers_.front();
  offers_.erase(offers_.begin());
  given_[request.request_id()] = response.lease();
  held_epochs_[response.lease().key().job()] = response.lease().key().epoch();
  return response;
}

void FakeControlPlane::StopAcquiring() {
  absl::MutexLock lock(&mutex_);
  acquiring_stopped_ = true;
}

absl::StatusOr<v1::HeartbeatResponse> FakeControlPlane::Heartbeat(
    const v1::HeartbeatRequest& request) {
  RETURN_IF_ERROR(Enter("Heartbeat"));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckWorker(request.worker(), request.incarnation()));
  Note(request.leaving() ? "Leave" : absl::StrCat("Heartbeat ", request.leases_size()));
  v1::HeartbeatResponse response;
  for (const v1::LeaseKey& key : request.leases()) {
    if (!Holds(key)) {
      *response.add_ended() = key;
    } else if (yields_) {
      *response.add_yielding() = key;
    }
  }
  return response;
}

absl::StatusOr<v1::ReportEventsResponse> FakeControlPlane::ReportEvents(
    const v1::ReportEventsRequest& request) {
  RETURN_IF_ERROR(Enter("ReportEvents"));
  if (request.first_seq() < 1) return absl::InvalidArgumentError("first_seq: must be at least 1");
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckLease(request.key()));
  const auto held = static_cast<int64_t>(events_.size());
  for (int64_t i = held - request.first_seq() + 1; i >= 0 && i < request.events_size(); ++i) {
    events_.push_back(request.events(static_cast<int>(i)));
  }
  Note(absl::StrCat("ReportEvents ", request.first_seq(), "-",
                    request.first_seq() + request.events_size() - 1));
  v1::ReportEventsResponse response;
  response.set_last_seq(static_cast<int64_t>(events_.size()));
  return response;
}

absl::StatusOr<v1::AppendLogsResponse> FakeControlPlane::AppendLogs(
    const v1::AppendLogsRequest& request) {
  RETURN_IF_ERROR(Enter("AppendLogs"));
  absl::MutexLock lock(&mutex_);
  // The last attempt's log is taken after its lease's end too.
  const auto held = static_cast<int64_t>(log_.size());
  if (request.offset() <= held && request.offset() + std::ssize(request.data()) > held) {
    log_ += request.data().substr(held - request.offset());
  }
  Note("AppendLogs");
  v1::AppendLogsResponse response;
  response.set_size_bytes(static_cast<int64_t>(log_.size()));
  return response;
}

absl::StatusOr<v1::Checkpoint> FakeControlPlane::CommitCheckpoint(
    const v1::CommitCheckpointRequest& request) {
  RETURN_IF_ERROR(Enter("CommitCheckpoint"));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckLease(request.key()));
  for (const v1::FileEntry& file : request.files()) {
    const auto blob = blobs_.find(file.sha256());
    if (blob != blobs_.end() && std::ssize(blob->second) == file.size_bytes()) continue;
    return absl::FailedPreconditionError(absl::StrCat(file.path(), ": its blob is not there"));
  }
  commits_.push_back(request);
  Note(absl::StrCat("CommitCheckpoint ", request.final() ? "final" : absl::StrCat(request.step())));
  return v1::Checkpoint();
}

absl::StatusOr<v1::FinishAttemptResponse> FakeControlPlane::FinishAttempt(
    const v1::FinishAttemptRequest& request) {
  RETURN_IF_ERROR(Enter("FinishAttempt"));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckLease(request.key()));
  const bool has_result = std::any_of(commits_.begin(), commits_.end(),
                                      [](const auto& commit) { return commit.final(); });
  if (request.outcome() == v1::FinishAttemptRequest::SUCCEEDED && !has_result) {
    return absl::FailedPreconditionError("SUCCEEDED needs a committed final checkpoint");
  }
  ends_.push_back(request);
  if (held_epochs_.contains(request.key().job())) held_epochs_[request.key().job()] = kEnded;
  Note("FinishAttempt");
  return v1::FinishAttemptResponse();
}

absl::Status FakeControlPlane::Upload(const std::string& path, const std::string& sha256,
                                      int64_t size_bytes) {
  RETURN_IF_ERROR(Enter("Upload"));
  ASSIGN_OR_RETURN(std::string content, ReadFile(path));
  absl::MutexLock lock(&mutex_);
  Note("Upload " + sha256);
  if (Sha256Hex(content) != sha256) return absl::DataLossError(path + ": wrong hash");
  blobs_[sha256] = std::move(content);
  return absl::OkStatus();
}

absl::Status FakeControlPlane::Download(const std::string& sha256, int64_t size_bytes,
                                        const std::string& path) {
  RETURN_IF_ERROR(Enter("Download"));
  absl::MutexLock lock(&mutex_);
  Note("Download " + sha256);
  const auto blob = blobs_.find(sha256);
  if (blob == blobs_.end()) return absl::NotFoundError("no blob " + sha256);
  return WriteFileDurably(path, blob->second);
}

}  // namespace tune::worker
