#include "server/store/migrations.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr char kCreateTable[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, "
    "apply_time_us INTEGER NOT NULL) STRICT";

struct Applied {
  std::string name;
  std::string sha256;
};

std::map<size_t, Applied> ReadApplied(Connection& connection) {
  std::map<size_t, Applied> applied;
  Query query(connection, "SELECT number, name, sha256 FROM schema_migrations");
  while (query.Next()) {
    const auto number = static_cast<size_t>(query.Int());
    const std::string name = query.Text();
    applied[number] = {name, query.Text()};
  }
  return applied;
}

absl::Status Check(const std::map<size_t, Applied>& applied,
                   const std::vector<Migration>& migrations, const std::string& path) {
  for (const auto& [number, was] : applied) {
    if (number == 0 || number > migrations.size()) {
      return absl::FailedPreconditionError(absl::StrCat(
          path, ": the database has migration ", was.name,
          ", which this program does not know: "
          "it was written by a newer tune-scheduler. Run that one, or another --data-dir"));
    }
    const Migration& migration = migrations[number - 1];
    if (was.sha256 != Sha256Hex(migration.sql)) {
      return absl::FailedPreconditionError(absl::StrCat(
          path, ": migration ", migration.name, " is not the ", was.name,
          " that was applied to this database. Run the tune-scheduler that made the database; "
          "an applied migration must never be changed, only followed by a new one"));
    }
  }
  return absl::OkStatus();
}

void Apply(Connection& connection, size_t number, const Migration& migration, absl::Time now) {
  connection.Exec("BEGIN IMMEDIATE");
  connection.Exec(migration.sql);
  Query(connection, "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)")
      .Bind(static_cast<int64_t>(number), migration.name, Sha256Hex(migration.sql), now)
      .Run();
  connection.Exec("COMMIT");
}

}  // namespace

absl::Status ApplyMigrations(Connection& connection, const std::vector<Migration>& migrations,
                             absl::Time now) {
  absl::Status status = connection.Catch([&]() -> absl::Status {
    // A table that is replaced must not take along what refers to it.
    connection.Exec("PRAGMA foreign_keys = OFF");
    connection.Exec(kCreateTable);
    const std::map<size_t, Applied> applied = ReadApplied(connection);
    RETURN_IF_ERROR(Check(applied, migrations, connection.path()));
    for (size_t number = 1; number <= migrations.size(); ++number) {
      if (applied.count(number) == 0) Apply(connection, number, migrations[number - 1], now);
    }
    return absl::OkStatus();
  });
  if (!status.ok()) connection.RollBack();
  status.Update(connection.Catch([&] {
    connection.Exec("PRAGMA foreign_keys = ON");
    return absl::OkStatus();
  }));
  return status;
}

}  // namespace tune::server
