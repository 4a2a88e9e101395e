#include "server/core/quota.h"

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

std::string NameOf(const std::string& user) { return user.empty() ? "who names nobody" : user; }

}  // namespace

void Quotas::Put(const std::string& user, const std::optional<Quota>& quota) {
  if (quota) {
    quotas_.insert_or_assign(user, *quota);
  } else {
    quotas_.erase(user);
  }
}

std::optional<Quota> Quotas::Find(const std::string& user) const {
  const auto found = quotas_.find(user);
  return found == quotas_.end() ? std::nullopt : std::optional(found->second);
}

Quota Quotas::Of(const std::string& user) const {
  if (const auto own = Find(user)) return *own;
  return Find(kEveryone).value_or(Quota());
}

std::string QuotaReached(const std::string& user, const Quota& quota, const Holdings& holdings,
                         int64_t gpus) {
  if (quota.running_jobs && holdings.jobs + 1 > *quota.running_jobs) {
    return absl::StrCat(NameOf(user), " may have ", *quota.running_jobs,
                        " jobs running at once, and has ", holdings.jobs);
  }
  if (gpus > 0 && quota.gpus && holdings.gpus + gpus > *quota.gpus) {
    return absl::StrCat(NameOf(user), " may have ", *quota.gpus, " GPUs at once, and has ",
                        holdings.gpus, "; the job takes ", gpus);
  }
  return "";
}

}  // namespace tune::server
