// The store in one SQLite database (WAL, synchronous=FULL): one writer thread with group
// commit, and a few connections for reading.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "server/store/hot_state.h"
#include "server/store/migrations.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"
#include "server/store/writer.h"

namespace tune::server {

class SqliteStore : public Store {
 public:
  // Creates the database where there is none, applies the migrations, and takes it over:
  // the writes of a store opened before on the same database fail from now on.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(
      const std::string& path, Clock& clock,
      const std::vector<Migration>& migrations = EmbeddedMigrations());

  absl::Status Write(absl::FunctionRef<absl::Status(Transaction&)> write) override;
  absl::Status Read(absl::FunctionRef<absl::Status(Reader&)> read) override;
  const HotState& hot() override { return *hot_; }
  absl::StatusOr<int64_t> SizeBytes() override;
  absl::StatusOr<std::string> DatabaseId() override;
  absl::StatusOr<std::vector<std::string>> CheckIntegrity() override;

 private:
  static constexpr int kReaders = 4;

  SqliteStore(std::string path, std::unique_ptr<HotState> hot, std::unique_ptr<Writer> writer,
              std::vector<std::unique_ptr<Connection>> readers)
      : path_(std::move(path)),
        hot_(std::move(hot)),
        readers_(std::move(readers)),
        writer_(std::move(writer)) {}
  // The first column of the query's rows.
  absl::StatusOr<std::vector<std::string>> ReadColumn(const std::string& sql);
  std::unique_ptr<Connection> TakeReader();
  void GiveBack(std::unique_ptr<Connection> reader);

  const std::string path_;
  const std::unique_ptr<HotState> hot_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> readers_ ABSL_GUARDED_BY(mutex_);  // idle ones
  const std::unique_ptr<Writer> writer_;
};

}  // namespace tune::server
