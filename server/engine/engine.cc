#include "server/engine/engine.h"

#include "base/files.h"
#include "base/status.h"
#include "server/store/sqlite_store.h"

namespace tune::server {

namespace {

// With less nothing that changes a job could be kept.
constexpr int64_t kLeastFreeBytes = 1 << 20;

absl::Status CheckRoom(const std::string& dir) {
  ASSIGN_OR_RETURN(const int64_t free, FreeBytes(dir));
  if (free >= kLeastFreeBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(dir, ": the volume is full, ", free, " bytes are free; free space there"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const std::string& data_dir, Clock& clock,
                                                     EngineObserver& observer,
                                                     const LeaseOptions& options,
                                                     OtherDatabase other) {
  RETURN_IF_ERROR(CreateDirectories(data_dir));
  ASSIGN_OR_RETURN(auto lock, FileLock::Acquire(JoinPath(data_dir, "lock")));
  RETURN_IF_ERROR(CheckDatabaseThere(data_dir, other));
  ASSIGN_OR_RETURN(auto sqlite, SqliteStore::Open(DatabasePath(data_dir), clock));
  auto store = std::make_unique<ObservedStore>(std::move(sqlite), clock, observer);
  ASSIGN_OR_RETURN(auto blobs, BlobStore::Open(data_dir));
  if (other == OtherDatabase::kRefuse) RETURN_IF_ERROR(CheckDatabaseFits(data_dir, *store));
  NoteDatabase(data_dir, *store);
  RETURN_IF_ERROR(TakeBackReferenced(*store, *blobs));
  std::unique_ptr<Engine> engine(new Engine(std::move(lock), std::move(store), std::move(blobs),
                                            data_dir, clock, observer, options));
  RETURN_IF_ERROR(engine->leases_.Start());
  return engine;
}

Engine::Engine(std::unique_ptr<FileLock> lock, std::unique_ptr<ObservedStore> store,
               std::unique_ptr<BlobStore> blobs, const std::string& data_dir, Clock& clock,
               EngineObserver& observer, const LeaseOptions& options)
    : lock_(std::move(lock)),
      store_(std::move(store)),
      blobs_(std::move(blobs)),
      logs_(data_dir),
      liveness_(clock, options),
      commits_(*store_, *blobs_, liveness_, waiters_, hub_, observer),
      leases_(*store_, commits_, clock, liveness_, waiters_, observer),
      checks_(*store_, *blobs_, commits_),
      submit_(*store_, *blobs_, commits_, checks_, clock),
      orders_(*blobs_, commits_, clock, liveness_),
      cordons_(commits_, clock, liveness_, waiters_),
      users_(*store_, commits_, clock, waiters_),
      scheduler_(*store_, *blobs_, commits_, clock, liveness_),
      preemptor_(*store_, *blobs_, commits_, clock, liveness_),
      reports_(*store_, commits_, logs_, clock, liveness_, hub_),
      registry_(*store_, *blobs_, commits_, clock),
      queries_(*store_, *blobs_, liveness_),
      removal_(*store_, commits_, logs_),
      collector_(*store_, *blobs_, clock) {}

absl::Status Engine::Ready() {
  RETURN_IF_ERROR(store_->Read([](Reader& reader) { return reader.CountJobs().status(); }));
  RETURN_IF_ERROR(store_->Write([](Transaction&) { return absl::OkStatus(); }));
  return CheckRoom(blobs_->dir());
}

}  // namespace tune::server
