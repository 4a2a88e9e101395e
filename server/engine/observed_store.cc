#include "server/engine/observed_store.h"

#include "base/log.h"
#include "base/status.h"

namespace tune::server {
namespace {

// The store's own failures; the rest is what a row or a rule said.
bool IsStoreFailure(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) ||
         absl::IsDataLoss(status) || absl::IsInternal(status);
}

}  // namespace

absl::Status ObservedStore::Damage() {
  absl::MutexLock lock(&mutex_);
  return damage_;
}

template <class F>
absl::Status ObservedStore::Observe(const char* op, F&& run) {
  RETURN_IF_ERROR(Damage());
  const absl::Duration begin = clock_.Monotonic();
  const absl::Status status = run();
  observer_.StoreTransaction(op, clock_.Monotonic() - begin, !IsStoreFailure(status));
  if (absl::IsDataLoss(status)) {
    spdlog::critical("the database is damaged; every call is refused status=\"{}\"",
                     status.ToString());
    absl::MutexLock lock(&mutex_);
    damage_ = status;
  }
  return status;
}

absl::Status ObservedStore::Write(absl::FunctionRef<absl::Status(Transaction&)> write) {
  return Observe("write", [&] { return store_->Write(write); });
}

absl::Status ObservedStore::Read(absl::FunctionRef<absl::Status(Reader&)> read) {
  return Observe("read", [&] { return store_->Read(read); });
}

}  // namespace tune::server
