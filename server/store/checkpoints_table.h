// Rows of checkpoints and their files.
#pragma once

#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace tune::server::checkpoints_table {

absl::StatusOr<Checkpoint> Get(Connection& connection, const std::string& job_id,
                               const std::string& id);
std::vector<CheckpointRow> List(Connection& connection, const CheckpointFilter& filter);
int64_t Count(Connection& connection);
absl::Status Insert(Connection& connection, const Checkpoint& checkpoint);
absl::Status Delete(Connection& connection, const std::string& job_id, const std::string& id);

}  // namespace tune::server::checkpoints_table
