// The schema's history: numbered SQL files that are applied in order, each once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/store/sqlite_connection.h"

namespace tune::server {

struct Migration {
  std::string name;  // "0001_init.sql"; the number at its beginning counts from 1
  std::string sql;
};

// Those of migrations/*.sql at build time, in order.
const std::vector<Migration>& EmbeddedMigrations();

// Applies those that the database lacks, each in a transaction of its own, and records
// each with its SHA-256. FAILED_PRECONDITION, with what to do: the database has a
// migration that is not in the list (it is newer than the program), or one whose text has
// changed since.
absl::Status ApplyMigrations(Connection& connection, const std::vector<Migration>& migrations,
                             absl::Time now);

}  // namespace tune::server
