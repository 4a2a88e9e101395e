#include "server/core/errors.h"

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

constexpr char kReasonPayload[] = "tune/reason";  // as in proto/wire/status.cc
constexpr char kBlobDamaged[] = "BLOB_DAMAGED";
constexpr char kStaleEpoch[] = "STALE_EPOCH";
constexpr char kUnknownWorker[] = "UNKNOWN_WORKER";
constexpr char kNameInUse[] = "NAME_IN_USE";

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  status.SetPayload(kReasonPayload, absl::Cord(reason));
  return status;
}

}  // namespace

absl::Status StaleEpoch(const LeaseKey& key) {
  return WithReason(absl::AbortedError(absl::StrCat("jobs/", key.job_id, ": the lease of epoch ",
                                                    key.epoch, " has ended; stop its trainer")),
                    kStaleEpoch);
}

bool IsStaleEpoch(const absl::Status& status) {
  return status.GetPayload(kReasonPayload) == absl::Cord(kStaleEpoch);
}

absl::Status UnknownWorker(const std::string& worker_id) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        "workers/", worker_id,
                        ": this process is not the one registered under that name; "
                        "register again, or give each worker a name of its own (--name)")),
                    kUnknownWorker);
}

absl::Status DamagedBlob(const std::string& message) {
  return WithReason(absl::DataLossError(message), kBlobDamaged);
}

bool IsDamagedBlob(const absl::Status& status) {
  return status.GetPayload(kReasonPayload) == absl::Cord(kBlobDamaged);
}

absl::Status NameInUse(const std::string& worker_id) {
  return WithReason(absl::AlreadyExistsError(absl::StrCat(
                        "workers/", worker_id,
                        " is alive, in another work folder; give this worker a name of its own "
                        "(--name), or, where that one was killed, start this one again once "
                        "tunectl workers list shows it LOST")),
                    kNameInUse);
}

}  // namespace tune::server
