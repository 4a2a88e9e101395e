#include "server/engine/observed_store.h"

namespace tune::server {
namespace {

// The store's own failures; the rest is what a row or a rule said.
bool IsStoreFailure(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) ||
         absl::IsDataLoss(status) || absl::IsInternal(status);
}

}  // namespace

absl::Status ObservedStore::Write(absl::FunctionRef<absl::Status(Transaction&)> write) {
  const absl::Duration begin = clock_.Monotonic();
  const absl::Status status = store_->Write(write);
  observer_.StoreTransaction("write", clock_.Monotonic() - begin, !IsStoreFailure(status));
  return status;
}

absl::Status ObservedStore::Read(absl::FunctionRef<absl::Status(Reader&)> read) {
  const absl::Duration begin = clock_.Monotonic();
  const absl::Status status = store_->Read(read);
  observer_.StoreTransaction("read", clock_.Monotonic() - begin, !IsStoreFailure(status));
  return status;
}

}  // namespace tune::server
