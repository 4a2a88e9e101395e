// The one thread that writes: it takes whatever writes are waiting, runs each in a
// savepoint of one shared transaction, commits once, and then lets the callers go.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/store/hot_state.h"
#include "server/store/sqlite_connection.h"
#include "server/store/sqlite_session.h"
#include "server/store/store.h"

namespace tune::server {

class Writer {
 public:
  // Takes the database over from whoever had it: raises scheduler_epoch.
  // Fills `hot`, which must outlive this, and keeps it as the rows are.
  static absl::StatusOr<std::unique_ptr<Writer>> Start(std::unique_ptr<Connection> connection,
                                                       HotState& hot);
  // Finishes the writes that wait, then ends the thread.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  absl::Status Write(absl::FunctionRef<absl::Status(Transaction&)> write);

 private:
  struct Pending {
    absl::FunctionRef<absl::Status(Transaction&)> write;
    absl::Status status;
    bool done = false;
  };
  static constexpr size_t kMaxBatch = 256;

  Writer(std::unique_ptr<Connection> connection, int64_t scheduler_epoch, HotState& hot);
  void Loop();
  std::vector<Pending*> Take();
  void Deliver(const std::vector<Pending*>& batch);
  void RunBatch(const std::vector<Pending*>& batch);
  absl::Status RunInTransaction(const std::vector<Pending*>& batch);
  absl::Status RunInSavepoint(Pending& pending);
  absl::Status CheckSchedulerEpoch();
  bool SyncFailed() const;
  absl::Status Broken() const;

  // Constant after construction; used by the thread only.
  const std::unique_ptr<Connection> connection_;
  const int64_t scheduler_epoch_;
  HotState& hot_;
  SqliteTransaction transaction_;
  // Not OK after an fsync that failed: what the disk holds is unknown, so nothing is
  // written until a restart has recovered from the log.
  absl::Status broken_;

  absl::Mutex mutex_;
  std::vector<Pending*> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tune::server
