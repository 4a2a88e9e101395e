#include "server/store/sqlite_connection.h"

#include <sqlite3.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/utf8.h"

namespace tune::server {
namespace {

// foreign_keys and busy_timeout are per connection; trusted_schema=OFF keeps a tampered
// schema from calling functions.
constexpr char kCommonSettings[] =
    "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";
constexpr char kWriterSettings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
// Checkpoints by one connection only: SQLite up to 3.51.2 can corrupt a WAL that two
// reset at once.
constexpr char kReaderSettings[] = "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;";

struct CodeRow {
  int sqlite;  // primary or extended
  absl::StatusCode code;
};

constexpr CodeRow kCodes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, absl::StatusCode::kAlreadyExists},
    {SQLITE_CONSTRAINT_PRIMARYKEY, absl::StatusCode::kAlreadyExists},
    {SQLITE_FULL, absl::StatusCode::kResourceExhausted},
    {SQLITE_IOERR_SHMSIZE, absl::StatusCode::kResourceExhausted},
    {SQLITE_BUSY, absl::StatusCode::kUnavailable},
    {SQLITE_LOCKED, absl::StatusCode::kUnavailable},
    {SQLITE_CORRUPT, absl::StatusCode::kDataLoss},
    {SQLITE_NOTADB, absl::StatusCode::kDataLoss},
    {SQLITE_FORMAT, absl::StatusCode::kDataLoss},
    {SQLITE_IOERR_READ, absl::StatusCode::kDataLoss},
    {SQLITE_IOERR_SHORT_READ, absl::StatusCode::kDataLoss},
    {SQLITE_IOERR_CORRUPTFS, absl::StatusCode::kDataLoss},
    {SQLITE_READONLY, absl::StatusCode::kPermissionDenied},
    {SQLITE_CANTOPEN, absl::StatusCode::kFailedPrecondition},
};

absl::StatusCode CodeOf(const SQLite::Exception& error) {
  for (const CodeRow& row : kCodes) {
    if (row.sqlite == error.getExtendedErrorCode() || row.sqlite == error.getErrorCode()) {
      return row.code;
    }
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status SqliteStatus(const std::string& path, const SQLite::Exception& error) {
  const absl::StatusCode code = CodeOf(error);
  const char* advice = "";
  if (code == absl::StatusCode::kResourceExhausted) advice = "; free space on this volume";
  if (code == absl::StatusCode::kDataLoss) advice = "; restore the folder from a backup";
  return absl::Status(code, absl::StrCat(path, ": ", error.what(), advice));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path, Mode mode) {
  try {
    const int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX |
                      (mode == Mode::kWriter ? SQLite::OPEN_CREATE : 0);
    std::unique_ptr<Connection> connection(new Connection(path, flags));
    sqlite3_extended_result_codes(connection->database_.getHandle(), 0);
    connection->Exec(kCommonSettings);
    connection->Exec(mode == Mode::kWriter ? kWriterSettings : kReaderSettings);
    return connection;
  } catch (const SQLite::Exception& error) {
    return SqliteStatus(path, error);
  }
}

bool Connection::InTransaction() const {
  return sqlite3_get_autocommit(const_cast<SQLite::Database&>(database_).getHandle()) == 0;
}

void Connection::RollBack() {
  // A failing ROLLBACK leaves no transaction open either.
  if (InTransaction()) sqlite3_exec(database_.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Query::Query(Connection& connection, absl::string_view sql) : connection_(connection) {
  const auto idle = connection.statements_.find(sql);
  if (idle != connection.statements_.end() && idle->second) {
    statement_ = std::move(idle->second);
  } else {
    statement_ = std::make_unique<SQLite::Statement>(connection.database_, std::string(sql));
  }
}

Query::~Query() {
  statement_->tryReset();
  statement_->clearBindings();
  connection_.statements_[statement_->getQuery()] = std::move(statement_);
}

void Query::Alarm(const std::string& problem) {
  if (connection_.alarms_.insert(problem).second) {
    spdlog::error("a stored row cannot be read path={} row=\"{}\"", connection_.path_, problem);
  }
}

bool Query::Next() {
  column_ = 0;
  return statement_->executeStep();
}

int64_t Query::Run() {
  statement_->exec();
  return connection_.database_.getChanges();
}

int64_t Query::Int() { return NextColumn().getInt64(); }

double Query::Real() {
  const SQLite::Column column = NextColumn();
  return column.isNull() ? std::nan("") : column.getDouble();
}

std::string Query::Text() {
  std::string text = Blob();
  return IsUtf8(text) ? text : ReplaceInvalidUtf8(text);
}

std::string Query::Blob() {
  // By length: a BLOB may hold NULs.
  const SQLite::Column column = NextColumn();
  const auto* bytes = static_cast<const char*>(column.getBlob());
  return bytes == nullptr ? "" : std::string(bytes, column.getBytes());
}

absl::Time Query::Time() {
  const SQLite::Column column = NextColumn();
  return column.isNull() ? absl::InfinitePast() : absl::FromUnixMicros(column.getInt64());
}

void Query::BindOne(int64_t value) { statement_->bind(++parameter_, value); }

void Query::BindOne(double value) { statement_->bind(++parameter_, value); }

void Query::BindOne(const std::string& value) { statement_->bind(++parameter_, value); }

void Query::BindOne(absl::Time value) {
  if (value == absl::InfinitePast()) {
    statement_->bind(++parameter_);
  } else {
    statement_->bind(++parameter_, absl::ToUnixMicros(value));
  }
}

void Query::BindOne(const Bytes& bytes) {
  if (bytes.present) {
    statement_->bind(++parameter_, bytes.value.data(), static_cast<int>(bytes.value.size()));
  } else {
    statement_->bind(++parameter_);
  }
}

void Query::BindOne(const TextOrNull& text) {
  if (text.value.empty()) {
    statement_->bind(++parameter_);
  } else {
    statement_->bind(++parameter_, text.value);
  }
}

}  // namespace tune::server
