// A store that tells how long its transactions take, and which of them fail.
#pragma once

#include <memory>

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
  absl::StatusOr<int64_t> SizeBytes() override { return store_->SizeBytes(); }

 private:
  const std::unique_ptr<Store> store_;
  Clock& clock_;
  EngineObserver& observer_;
};

}  // namespace tune::server
