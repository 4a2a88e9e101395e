// Rows of users.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "server/core/quota.h"
#include "server/core/usage.h"
#include "server/store/sqlite_connection.h"

namespace tune::server::users_table {

std::map<std::string, Usage> ListUsages(Connection& connection);
std::map<std::string, Quota> ListQuotas(Connection& connection);
void PutQuota(Connection& connection, const std::string& user, const std::optional<Quota>& quota);
void PutUsage(Connection& connection, const std::string& user, const Usage& usage);

}  // namespace tune::server::users_table
