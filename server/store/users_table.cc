#include "server/store/users_table.h"

namespace tune::server::users_table {

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

void PutUsage(Connection& connection, const std::string& user, const Usage& usage) {
  Query(connection,
        "INSERT INTO users (id, device_seconds, usage_time_us) VALUES (?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET device_seconds = excluded.device_seconds, "
        "usage_time_us = excluded.usage_time_us")
      .Bind(user, usage.device_seconds, usage.time)
      .Run();
}

}  // namespace tune::server::users_table
