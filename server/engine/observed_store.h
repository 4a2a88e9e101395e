// A store that tells how long its transactions take, and which of them fail; and that, once its
// database has proved damaged, says so to every call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "server/engine/observer.h"
#include "server/store/store.h"

namespace tune::server {

class ObservedStore : public Store {
 public:
  ObservedStore(std::unique_ptr<Store> store, Clock& clock, EngineObserver& observer)
      : store_(std::move(store)), clock_(clock), observer_(observer) {}

  absl::Status Write(absl::FunctionRef<absl::Status(Transaction&)> write) override;
  absl::Status Read(absl::FunctionRef<absl::Status(Reader&)> read) override;
  const HotState& hot() override { return store_->hot(); }
  absl::StatusOr<int64_t> SizeBytes() override { return store_->SizeBytes(); }
  absl::StatusOr<std::string> DatabaseId() override { return store_->DatabaseId(); }
  absl::StatusOr<std::vector<std::string>> CheckIntegrity() override {
    return store_->CheckIntegrity();
  }

  // DATA_LOSS from the first transaction on that met damage in the database: what else it holds
  // is not to be trusted, and nothing more is written into it. A restart tries again.
  absl::Status Damage();

 private:
  // Measures `run`, which is a call of the store.
  template <class F>
  absl::Status Observe(const char* op, F&& run);

  const std::unique_ptr<Store> store_;
  Clock& clock_;
  EngineObserver& observer_;
  absl::Mutex mutex_;
  absl::Status damage_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
