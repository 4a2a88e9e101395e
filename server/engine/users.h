// What users have had of the fleet, have now, and may have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/quota.h"
#include "server/engine/commits.h"
#include "server/engine/waiters.h"
#include "server/store/store.h"

namespace tune::server {

struct UserRecord {
  std::string id;             // "" for jobs that name nobody, "*" for everyone's quota
  double device_seconds = 0;  // of late (core/usage.h)
  Holdings holdings;
  int64_t queued_jobs = 0;
  std::optional<Quota> quota;  // the own
};

// Thread-safe.
class Users {
 public:
  Users(Store& store, Commits& commits, Clock& clock, Waiters& waiters)
      : store_(store), commits_(commits), clock_(clock), waiters_(waiters) {}

  // By name: all who have used anything, have a job in the queue or a quota.
  absl::StatusOr<std::vector<UserRecord>> List();
  // Replaces the quota of a user, or "*" for everyone who has none of their own; one without any
  // limit takes it away. What is held already goes on. INVALID_ARGUMENT by field.
  absl::Status SetQuota(const std::string& user, const Quota& quota);

 private:
  Store& store_;
  Commits& commits_;
  Clock& clock_;
  Waiters& waiters_;
};

}  // namespace tune::server
