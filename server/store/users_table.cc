#include "server/store/users_table.h"

namespace tune::server::users_table {
namespace {

constexpr int64_t kNoLimit = -1;

std::optional<int64_t> ReadLimit(Query& row) {
  const int64_t limit = row.Int();
  return limit == kNoLimit ? std::nullopt : std::optional(limit);
}

}  // namespace

std::map<std::string, Usage> ListUsages(Connection& connection) {
  std::map<std::string, Usage> usages;
  Query query(connection, "SELECT id, device_seconds, usage_time_us FROM users");
  while (query.Next()) {
    const std::string user = query.Text();
    const double device_seconds = query.Real();
    usages[user] = {device_seconds, query.Time()};
  }
  return usages;
}

std::map<std::string, Quota> ListQuotas(Connection& connection) {
  std::map<std::string, Quota> quotas;
  Query query(connection,
              "SELECT user, coalesce(running_jobs, -1), coalesce(gpus, -1), "
              "coalesce(queued_jobs, -1) FROM quotas");
  while (query.Next()) {
    Quota& quota = quotas[query.Text()];
    quota.running_jobs = ReadLimit(query);
    quota.gpus = ReadLimit(query);
    quota.queued_jobs = ReadLimit(query);
  }
  return quotas;
}

void PutQuota(Connection& connection, const std::string& user, const std::optional<Quota>& quota) {
  Query(connection, "DELETE FROM quotas WHERE user = ?").Bind(user).Run();
  if (!quota) return;
  Query(connection,
        "INSERT INTO quotas (user, running_jobs, gpus, queued_jobs) "
        "VALUES (?1, nullif(?2, -1), nullif(?3, -1), nullif(?4, -1))")
      .Bind(user, quota->running_jobs.value_or(kNoLimit), quota->gpus.value_or(kNoLimit),
            quota->queued_jobs.value_or(kNoLimit))
      .Run();
}

void PutUsage(Connection& connection, const std::string& user, const Usage& usage) {
  Query(connection,
        "INSERT INTO users (id, device_seconds, usage_time_us) VALUES (?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET device_seconds = excluded.device_seconds, "
        "usage_time_us = excluded.usage_time_us")
      .Bind(user, usage.device_seconds, usage.time)
      .Run();
}

}  // namespace tune::server::users_table
