// What server/store/store.h promises, as tests of any store: instantiate StoreConformance with
// a function that opens the store under test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/clock.h"
#include "server/core/lease.h"
#include "server/store/store.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/virtual_clock.h"

namespace tune::server {

// Opens the store that lives in `folder`, made where there is none. `clock` outlives it.
using OpenStoreIn = std::unique_ptr<Store> (*)(const std::string& folder, Clock& clock);

class StoreConformance : public ::testing::TestWithParam<OpenStoreIn> {
 protected:
  StoreConformance();

  Store& store() { return *store_; }
  // As a restart does.
  void Reopen();

  absl::Time now() { return clock_.Now(); }
  Job NewJob(const std::string& id);
  Job Insert(const Job& job, const std::string& request_id = "", const std::string& digest = "");
  // Inserts a job and leases it to worker "w" as attempt 1, with this request_id.
  Job Lease(const std::string& id, const std::string& request_id = "");
  Checkpoint NewCheckpoint(const std::string& job_id, const std::string& id, int64_t step);

  // The value that `read` gives, inside a read of its own.
  template <class F>
  auto Read(F&& read) {
    decltype(read(std::declval<Reader&>())) result;
    (void)store_->Read([&](Reader& reader) {
      result = read(reader);
      return result.status();
    });
    return result;
  }
  template <class F>
  absl::Status Write(F&& write) {
    return store_->Write([&](Transaction& transaction) { return write(transaction); });
  }
  absl::StatusOr<Job> Get(const std::string& id) {
    return Read([&](Reader& reader) { return reader.GetJob(id); });
  }

  VirtualClock clock_;
  ScratchFolder folder_{ScratchFolder::Where::kMemory};
  std::unique_ptr<Store> store_;
};

}  // namespace tune::server
