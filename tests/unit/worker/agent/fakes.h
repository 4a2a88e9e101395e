// A scheduler in memory, scripted by a test. That its rules are the real one's is shown by
// control_plane_conformance_test.cc.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/support/virtual_clock.h"
#include "worker/agent/control_plane.h"

namespace tune::worker {

absl::Status StaleEpoch();
absl::Status UnknownWorker();

// One job's attempt at a time. Every call is written to the journal ("Heartbeat",
// "ReportEvents 1-3", "Upload HASH", "CommitCheckpoint 10", …).
class FakeControlPlane : public ControlPlane {
 public:
  // Called before each call takes effect, with its name; an error is the call's answer.
  // Called without the lock held, so it may wait.
  using Fault = std::function<absl::Status(const std::string& method)>;
  void SetFault(Fault fault);
  // The scheduler forgets events beyond this seq, as one restored from a backup would.
  void ForgetEventsAfter(int64_t seq);
  // Ends the lease: every later call for it is stale.
  void EndLease();
  // From now on every lease is to be let go of.
  void AskToYield();
  // The next AcquireLease returns it.
  void Offer(v1::Lease lease);
  void PutBlob(const std::string& content);

  std::vector<v1::TrainingEvent> events() const;
  std::string log() const;
  std::vector<v1::CommitCheckpointRequest> commits() const;
  std::vector<v1::FinishAttemptRequest> ends() const;
  std::vector<std::string> journal() const;
  int64_t Count(const std::string& entry) const;
  bool HasBlob(const std::string& sha256) const;
  // Waits, at most 20 s of real time, for what another thread does.
  bool Await(const std::function<bool(const FakeControlPlane&)>& condition) const;

  absl::StatusOr<v1::RegisterWorkerResponse> RegisterWorker(
      const v1::RegisterWorkerRequest& request) override;
  absl::StatusOr<v1::AcquireLeaseResponse> AcquireLease(
      const v1::AcquireLeaseRequest& request) override;
  void StopAcquiring() override;
  absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const v1::HeartbeatRequest& request) override;
  absl::StatusOr<v1::ReportEventsResponse> ReportEvents(
      const v1::ReportEventsRequest& request) override;
  absl::StatusOr<v1::AppendLogsResponse> AppendLogs(const v1::AppendLogsRequest& request) override;
  absl::StatusOr<v1::Checkpoint> CommitCheckpoint(
      const v1::CommitCheckpointRequest& request) override;
  absl::StatusOr<v1::FinishAttemptResponse> FinishAttempt(
      const v1::FinishAttemptRequest& request) override;
  absl::Status Upload(const std::string& path, const std::string& sha256,
                      int64_t size_bytes) override;
  absl::Status Download(const std::string& sha256, int64_t size_bytes,
                        const std::string& path) override;

  std::vector<std::string> acquire_request_ids() const;
  std::vector<v1::RegisterWorkerRequest> registrations() const;

 private:
  absl::Status Enter(const std::string& method);
  absl::Status CheckWorker(const std::string& worker, const std::string& incarnation) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // A lease that was never acquired here counts as held, so that a test of one part need not
  // acquire it.
  bool Holds(const v1::LeaseKey& key) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status CheckLease(const v1::LeaseKey& key) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Note(std::string entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  Fault fault_ ABSL_GUARDED_BY(mutex_);
  bool lease_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool yields_ ABSL_GUARDED_BY(mutex_) = false;
  bool acquiring_stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<v1::Lease> offers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Lease> given_ ABSL_GUARDED_BY(mutex_);           // by request id
  std::map<std::string, int64_t> held_epochs_ ABSL_GUARDED_BY(mutex_);       // by job
  std::map<std::string, std::string> incarnations_ ABSL_GUARDED_BY(mutex_);  // by worker
  std::vector<v1::RegisterWorkerRequest> registrations_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> request_ids_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::TrainingEvent> events_ ABSL_GUARDED_BY(mutex_);
  std::string log_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> blobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::CommitCheckpointRequest> commits_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::FinishAttemptRequest> ends_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> journal_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::worker
