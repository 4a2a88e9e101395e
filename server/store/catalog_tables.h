// Rows of datasets and models, and the count of references to a blob.
#pragma once

#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace tune::server::datasets_table {

absl::StatusOr<Dataset> Get(Connection& connection, const std::string& id);
std::vector<Dataset> List(Connection& connection, const std::string& after_id, int64_t limit);
absl::Status Insert(Connection& connection, const Dataset& dataset);
absl::Status Delete(Connection& connection, const std::string& id);

}  // namespace tune::server::datasets_table

namespace tune::server::data_reports_table {

std::optional<std::string> Find(Connection& connection, const std::string& key);
void Put(Connection& connection, const std::string& key, const std::string& report);

}  // namespace tune::server::data_reports_table

namespace tune::server::models_table {

absl::StatusOr<Model> Get(Connection& connection, const std::string& id);
std::vector<Model> List(Connection& connection, const std::string& after_id, int64_t limit);
absl::Status Insert(Connection& connection, const Model& model);
absl::Status Delete(Connection& connection, const std::string& id);

}  // namespace tune::server::models_table

namespace tune::server {

bool IsBlobReferenced(Connection& connection, const std::string& sha256);
std::vector<BlobUser> FindBlobUsers(Connection& connection, const std::string& sha256);

}  // namespace tune::server
