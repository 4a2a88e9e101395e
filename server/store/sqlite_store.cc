#include "server/store/sqlite_store.h"

#include "base/files.h"
#include "base/status.h"
#include "server/store/sqlite_session.h"

namespace tune::server {
namespace {

// Beside the migrations, as their own record is: the identity is the database's, whatever its
// schema.
constexpr char kMakeIdentity[] =
    "CREATE TABLE IF NOT EXISTS database_identity (id TEXT NOT NULL) STRICT;"
    "INSERT INTO database_identity SELECT lower(hex(randomblob(16))) "
    "WHERE NOT EXISTS (SELECT 1 FROM database_identity);";

absl::Status MakeIdentity(Connection& connection) {
  return connection.Catch([&] {
    connection.Exec(kMakeIdentity);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(
    const std::string& path, Clock& clock, const std::vector<Migration>& migrations) {
  ASSIGN_OR_RETURN(auto connection, Connection::Open(path, Connection::Mode::kWriter));
  RETURN_IF_ERROR(ApplyMigrations(*connection, migrations, clock.Now()));
  RETURN_IF_ERROR(MakeIdentity(*connection));
  auto hot = std::make_unique<HotState>();
  ASSIGN_OR_RETURN(auto writer, Writer::Start(std::move(connection), *hot));
  std::vector<std::unique_ptr<Connection>> readers;
  for (int i = 0; i < kReaders; ++i) {
    ASSIGN_OR_RETURN(auto reader, Connection::Open(path, Connection::Mode::kReader));
    readers.push_back(std::move(reader));
  }
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(path, std::move(hot), std::move(writer), std::move(readers)));
}

absl::Status SqliteStore::Write(absl::FunctionRef<absl::Status(Transaction&)> write) {
  return writer_->Write(write);
}

absl::Status SqliteStore::Read(absl::FunctionRef<absl::Status(Reader&)> read) {
  std::unique_ptr<Connection> connection = TakeReader();
  const absl::Status status = connection->Catch([&] {
    connection->Exec("BEGIN");
    SqliteReader reader(*connection);
    return read(reader);
  });
  connection->RollBack();
  GiveBack(std::move(connection));
  return status;
}

absl::StatusOr<int64_t> SqliteStore::SizeBytes() {
  ASSIGN_OR_RETURN(const int64_t database, FileSize(path_));
  return database + FileSize(path_ + "-wal").value_or(0);
}

absl::StatusOr<std::string> SqliteStore::DatabaseId() {
  ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                   ReadColumn("SELECT id FROM database_identity"));
  if (ids.size() == 1) return ids[0];
  return absl::DataLossError(path_ + ": the database's identity is missing");
}

absl::StatusOr<std::vector<std::string>> SqliteStore::CheckIntegrity() {
  ASSIGN_OR_RETURN(std::vector<std::string> problems, ReadColumn("PRAGMA integrity_check"));
  if (problems == std::vector<std::string>{"ok"}) problems.clear();
  return problems;
}

absl::StatusOr<std::vector<std::string>> SqliteStore::ReadColumn(const std::string& sql) {
  std::unique_ptr<Connection> connection = TakeReader();
  auto values = connection->Catch([&]() -> absl::StatusOr<std::vector<std::string>> {
    Query query(*connection, sql);
    std::vector<std::string> column;
    while (query.Next()) column.push_back(query.Text());
    return column;
  });
  GiveBack(std::move(connection));
  return values;
}

std::unique_ptr<Connection> SqliteStore::TakeReader() {
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !readers_.empty(); };
  absl::MutexLock lock(&mutex_, absl::Condition(&ready));
  std::unique_ptr<Connection> reader = std::move(readers_.back());
  readers_.pop_back();
  return reader;
}

void SqliteStore::GiveBack(std::unique_ptr<Connection> reader) {
  absl::MutexLock lock(&mutex_);
  readers_.push_back(std::move(reader));
}

}  // namespace tune::server
