// Rows of jobs. Functions of the table headers throw SQLite::Exception
// (sqlite_connection.h); their contracts are those of store.h.
#pragma once

#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace tune::server::jobs_table {

absl::StatusOr<Job> Get(Connection& connection, const std::string& id);
absl::StatusOr<std::vector<Job>> List(Connection& connection, const JobFilter& filter);
absl::StatusOr<std::vector<Job>> ListHeld(Connection& connection, const std::string& worker_id);
std::optional<SubmitRecord> FindSubmit(Connection& connection, const std::string& request_id);
std::vector<std::string> ListDependents(Connection& connection, const std::string& job_id);
void DeleteDependency(Connection& connection, const std::string& job_id,
                      const std::string& after_id);
std::optional<OrderRecord> FindOrder(Connection& connection, const std::string& request_id);
void InsertOrder(Connection& connection, const std::string& request_id, const OrderRecord& order);
std::vector<QueuedJob> ListQueue(Connection& connection);
std::map<std::string, absl::Duration> RetryDelays(Connection& connection);
std::map<JobState, int64_t> Count(Connection& connection);
std::optional<std::string> FindUser(Connection& connection, const std::string& resource);
std::vector<std::string> FindQueuedUsers(Connection& connection, const std::string& resource);

// `fields_set`: what its trainer must know (QueuedJobOf, hot_state.h).
absl::StatusOr<Job> Insert(Connection& connection, const Job& job, const FieldPaths& fields_set,
                           const std::string& request_id, const std::string& body_digest);
absl::Status Delete(Connection& connection, const Job& job);
absl::Status Update(Connection& connection, const Job& before, const Job& after);

}  // namespace tune::server::jobs_table
