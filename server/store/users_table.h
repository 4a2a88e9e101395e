// Rows of users.
#pragma once

#include <map>
#include <string>

#include "server/core/usage.h"
#include "server/store/sqlite_connection.h"

namespace tune::server::users_table {

std::map<std::string, Usage> ListUsages(Connection& connection);
void PutUsage(Connection& connection, const std::string& user, const Usage& usage);

}  // namespace tune::server::users_table
