// Rows of attempts.
#pragma once

#include "server/core/lease.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace tune::server::attempts_table {

std::vector<Attempt> List(Connection& connection, const std::string& job_id);
absl::StatusOr<Attempt> Get(Connection& connection, const std::string& job_id, int32_t number);
std::optional<LeaseKey> FindLease(Connection& connection, const std::string& request_id);
void Insert(Connection& connection, const std::string& job_id, int64_t epoch,
            const Attempt& attempt);
absl::Status Update(Connection& connection, const std::string& job_id, const Attempt& attempt);

}  // namespace tune::server::attempts_table
