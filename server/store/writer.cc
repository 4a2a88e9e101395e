#include "server/store/writer.h"

#include <sqlite3.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr int64_t kAllWorkers = 1000000;

absl::StatusOr<int64_t> RaiseSchedulerEpoch(Connection& connection) {
  return connection.Catch([&]() -> absl::StatusOr<int64_t> {
    Query query(connection, "UPDATE scheduler SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch");
    if (!query.Next()) return absl::DataLossError("the scheduler's row is missing");
    const int64_t epoch = query.Int();
    while (query.Next()) {
    }
    return epoch;
  });
}

absl::Status ReadHotState(Connection& connection, HotState& hot) {
  return connection.Catch([&]() -> absl::Status {
    for (const QueuedJob& job : jobs_table::ListQueue(connection)) hot.PutQueued(job);
    ASSIGN_OR_RETURN(const std::vector<Job> held, jobs_table::ListHeld(connection, ""));
    for (const Job& job : held) hot.PutJob(job);
    for (const WorkerRecord& worker : workers_table::List(connection, "", kAllWorkers)) {
      hot.PutWorker(worker);
    }
    for (const auto& [user, usage] : users_table::ListUsages(connection)) {
      hot.PutUsage(user, usage);
    }
    for (const auto& [user, quota] : users_table::ListQuotas(connection)) {
      hot.PutQuota(user, quota);
    }
    hot.Keep();
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Start(std::unique_ptr<Connection> connection,
                                                      HotState& hot) {
  ASSIGN_OR_RETURN(const int64_t epoch, RaiseSchedulerEpoch(*connection));
  RETURN_IF_ERROR(ReadHotState(*connection, hot));
  return std::unique_ptr<Writer>(new Writer(std::move(connection), epoch, hot));
}

Writer::Writer(std::unique_ptr<Connection> connection, int64_t scheduler_epoch, HotState& hot)
    : connection_(std::move(connection)),
      scheduler_epoch_(scheduler_epoch),
      hot_(hot),
      transaction_(*connection_, hot_),
      thread_([this] { Loop(); }) {}

Writer::~Writer() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

absl::Status Writer::Write(absl::FunctionRef<absl::Status(Transaction&)> write) {
  Pending pending{write, absl::OkStatus()};
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(&pending);
  mutex_.Await(absl::Condition(&pending.done));
  return pending.status;
}

void Writer::Loop() {
  while (true) {
    const std::vector<Pending*> batch = Take();
    if (batch.empty()) return;
    RunBatch(batch);
    Deliver(batch);
  }
}

std::vector<Writer::Pending*> Writer::Take() {
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stop_ || !waiting_.empty();
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&ready));
  const size_t size = std::min(waiting_.size(), kMaxBatch);
  const std::vector<Pending*> batch(waiting_.begin(), waiting_.begin() + size);
  waiting_.erase(waiting_.begin(), waiting_.begin() + size);
  return batch;
}

void Writer::Deliver(const std::vector<Pending*>& batch) {
  absl::MutexLock lock(&mutex_);
  for (Pending* pending : batch) pending->done = true;
}

void Writer::RunBatch(const std::vector<Pending*>& batch) {
  absl::Status status = broken_;
  if (status.ok()) {
    status = connection_->Catch([&] { return RunInTransaction(batch); });
    if (SyncFailed()) broken_ = Broken();
    connection_->RollBack();
  }
  if (!status.ok()) hot_.TakeBack(0);
  hot_.Keep();
  if (status.ok()) return;
  // Nothing of the batch is there: each hears why, unless it had failed on its own.
  for (Pending* pending : batch) {
    if (pending->status.ok()) pending->status = status;
  }
}

bool Writer::SyncFailed() const {
  return connection_->database().getExtendedErrorCode() == SQLITE_IOERR_FSYNC;
}

absl::Status Writer::Broken() const {
  return absl::UnavailableError(absl::StrCat(
      connection_->path(), ": the disk failed to sync; check it, then restart the scheduler"));
}

absl::Status Writer::RunInTransaction(const std::vector<Pending*>& batch) {
  connection_->Exec("BEGIN IMMEDIATE");
  RETURN_IF_ERROR(CheckSchedulerEpoch());
  for (Pending* pending : batch) {
    pending->status = RunInSavepoint(*pending);
    // A full disk and the like end the whole transaction, not only the savepoint.
    if (!connection_->InTransaction()) return pending->status;
  }
  connection_->Exec("COMMIT");
  return absl::OkStatus();
}

absl::Status Writer::RunInSavepoint(Pending& pending) {
  const size_t mark = hot_.Mark();
  connection_->Exec("SAVEPOINT one");
  const absl::Status status = connection_->Catch([&] { return pending.write(transaction_); });
  if (!connection_->InTransaction()) {
    return status.ok() ? absl::InternalError("the write ended its transaction") : status;
  }
  if (!status.ok()) connection_->Exec("ROLLBACK TO one");
  if (!status.ok()) hot_.TakeBack(mark);
  connection_->Exec("RELEASE one");
  return status;
}

absl::Status Writer::CheckSchedulerEpoch() {
  Query query(*connection_, "SELECT epoch FROM scheduler WHERE id = 1");
  const int64_t epoch = query.Next() ? query.Int() : -1;
  if (epoch == scheduler_epoch_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(connection_->path(),
                   ": another scheduler has taken this database over (its "
                   "epoch is ",
                   epoch, ", ours ", scheduler_epoch_, "); stop this one"));
}

}  // namespace tune::server
