// Rows of events: what a job's history tells.
#pragma once

#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace tune::server::events_table {

std::vector<JobEvent> List(Connection& connection, const std::string& job_id, int64_t after_seq,
                           int64_t limit);
int64_t Append(Connection& connection, const std::string& job_id, const JobEvent& event);

}  // namespace tune::server::events_table
