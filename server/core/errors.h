// Errors that programs tell apart by a reason, not by their text. The reason travels as
// the status payload that proto/wire/status.h sends as google.rpc.ErrorInfo.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/core/lease.h"

namespace tune::server {

// ABORTED, reason STALE_EPOCH: that lease has ended. The worker stops the trainer.
absl::Status StaleEpoch(const LeaseKey& key);
bool IsStaleEpoch(const absl::Status& status);

// FAILED_PRECONDITION, reason UNKNOWN_WORKER: not registered, or another process has
// registered under its name since. The worker registers again, or gives up the name.
absl::Status UnknownWorker(const std::string& worker_id);

// DATA_LOSS, reason BLOB_DAMAGED: a blob is not what it was on the scheduler's disk. Trying
// again does not help; sending the content again does.
absl::Status DamagedBlob(const std::string& message);
bool IsDamagedBlob(const absl::Status& status);

// ALREADY_EXISTS, reason NAME_IN_USE: another worker of this name is alive. The newcomer ends.
absl::Status NameInUse(const std::string& worker_id);

}  // namespace tune::server
