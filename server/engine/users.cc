#include "server/engine/users.h"

#include <map>

#include "base/field_errors.h"
#include "base/status.h"
#include "server/core/text.h"
#include "server/core/usage.h"

namespace tune::server {
namespace {

constexpr size_t kMaxUserBytes = 128;

void CheckLimit(const std::string& field, const std::optional<int64_t>& limit,
                FieldErrors& errors) {
  if (limit && *limit < 0) errors.Add(field, "must be at least 0");
}

absl::Status CheckQuota(const std::string& user, const Quota& quota) {
  FieldErrors errors;
  CheckShortText("user", user, kMaxUserBytes, errors);
  CheckLimit("quota.running_jobs", quota.running_jobs, errors);
  CheckLimit("quota.gpus", quota.gpus, errors);
  CheckLimit("quota.queued_jobs", quota.queued_jobs, errors);
  return errors.ToStatus("quota");
}

}  // namespace

absl::StatusOr<std::vector<UserRecord>> Users::List() {
  std::map<std::string, UserRecord> users;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const auto usages, reader.ListUsages());
    for (const auto& [user, usage] : usages) {
      users[user].device_seconds = UsageAt(usage, clock_.Now());
    }
    ASSIGN_OR_RETURN(const auto quotas, reader.ListQuotas());
    for (const auto& [user, quota] : quotas) users[user].quota = quota;
    return absl::OkStatus();
  }));
  store_.hot().Read([&](const JobQueue& queue, const Fleet& fleet) {
    for (const auto& [owner, count] : queue.CountByOwner()) users[owner].queued_jobs = count;
    for (const auto& [owner, holdings] : fleet.HoldingsByOwner()) {
      users[owner].holdings = holdings;
    }
  });
  std::vector<UserRecord> list;
  for (auto& [id, user] : users) {
    user.id = id;
    list.push_back(std::move(user));
  }
  return list;
}

absl::Status Users::SetQuota(const std::string& user, const Quota& quota) {
  RETURN_IF_ERROR(CheckQuota(user, quota));
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects&) {
    return transaction.PutQuota(user, quota == Quota() ? std::nullopt : std::optional(quota));
  }));
  waiters_.WakeAll();  // a larger one may let jobs begin
  return absl::OkStatus();
}

}  // namespace tune::server
