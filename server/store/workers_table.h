// Rows of workers.
#pragma once

#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace tune::server::workers_table {

absl::StatusOr<WorkerRecord> Get(Connection& connection, const std::string& id);
std::vector<WorkerRecord> List(Connection& connection, const std::string& after_id, int64_t limit);
void Put(Connection& connection, const WorkerRecord& worker);
void Delete(Connection& connection, const std::string& id);
void PutCordon(Connection& connection, const std::string& worker_id, const Cordon& cordon);
bool DeleteCordon(Connection& connection, const std::string& worker_id);

}  // namespace tune::server::workers_table
