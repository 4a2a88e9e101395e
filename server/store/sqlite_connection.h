// One SQLite connection: its settings, its prepared statements, and the table from
// SQLite's result codes to ours. Table functions (jobs_table.h …) use Query and let
// SQLite::Exception through; Catch, at the border of the store, turns it into a status.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tune::server {

// SQLITE_FULL and full-disk I/O errors RESOURCE_EXHAUSTED, BUSY and LOCKED UNAVAILABLE,
// CORRUPT and NOTADB DATA_LOSS, UNIQUE and PRIMARY KEY ALREADY_EXISTS, READONLY
// PERMISSION_DENIED, else INTERNAL; "PATH: text".
absl::Status SqliteStatus(const std::string& path, const SQLite::Exception& error);

// Not thread-safe: one thread at a time.
class Connection {
 public:
  enum class Mode {
    // Creates the database; WAL, synchronous=FULL. The only one that checkpoints the WAL.
    kWriter,
    // query_only, and never checkpoints.
    kReader,
  };

  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, Mode mode);

  // Runs statements without results.
  void Exec(const std::string& sql) { database_.exec(sql); }
  // Ends a transaction that failed; nothing where none is open.
  void RollBack();
  bool InTransaction() const;

  // Runs `f`, which returns an absl::Status or StatusOr, and turns what it throws into one.
  template <class F>
  auto Catch(F&& f) -> decltype(f()) {
    try {
      return f();
    } catch (const SQLite::Exception& error) {
      return SqliteStatus(path_, error);
    } catch (const std::exception& error) {
      return absl::InternalError(path_ + ": " + error.what());
    }
  }

  const std::string& path() const { return path_; }
  SQLite::Database& database() { return database_; }

 private:
  friend class Query;
  Connection(const std::string& path, int flags) : path_(path), database_(path, flags) {}

  const std::string path_;
  SQLite::Database database_;
  std::map<std::string, std::unique_ptr<SQLite::Statement>, std::less<>> statements_;  // idle ones
  std::set<std::string> alarms_;  // what Query::Alarm has logged
};

// Bound as a BLOB, or as NULL where `present` is false.
struct Bytes {
  const std::string& value;
  bool present = true;
};
// Bound as text, "" as NULL.
struct TextOrNull {
  const std::string& value;
};

// One execution of a prepared statement, taken from its connection and given back.
// Values are bound in order, and columns are read in order, each once per row.
class Query {
 public:
  Query(Connection& connection, absl::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  template <class... Values>
  Query& Bind(const Values&... values) {
    (BindOne(values), ...);
    return *this;
  }

  // Logs, once per connection, that a row cannot be read.
  void Alarm(const std::string& problem);

  // To the next row; false after the last.
  bool Next();
  // Runs a statement without rows; returns how many rows it changed.
  int64_t Run();

  int64_t Int();
  double Real();  // NULL: NaN
  // NULL: "". What is not UTF-8, as no program writes any more, comes as U+FFFD, so that
  // one row from earlier never keeps a whole answer from being sent.
  std::string Text();
  std::string Blob();  // NULL: ""; as it is
  absl::Time Time();   // NULL: InfinitePast
  bool Flag() { return Int() != 0; }

 private:
  void BindOne(int64_t value);
  void BindOne(int32_t value) { BindOne(static_cast<int64_t>(value)); }
  void BindOne(bool value) { BindOne(static_cast<int64_t>(value)); }
  void BindOne(double value);  // NaN: NULL
  void BindOne(const std::string& value);
  void BindOne(absl::string_view value) { BindOne(std::string(value)); }
  void BindOne(const char* value) { BindOne(std::string(value)); }
  void BindOne(absl::Time value);  // InfinitePast: NULL
  void BindOne(const Bytes& value);
  void BindOne(const TextOrNull& value);
  SQLite::Column NextColumn() { return statement_->getColumn(column_++); }

  Connection& connection_;
  std::unique_ptr<SQLite::Statement> statement_;
  int parameter_ = 0;
  int column_ = 0;
};

}  // namespace tune::server
