// A store in a folder of its own, and rows to put into it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/sha256.h"
#include "server/store/sqlite_store.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/virtual_clock.h"

namespace tune::server {

class StoreTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_ / "tune.db"; }
  std::unique_ptr<SqliteStore> OpenStore() {
    auto store = SqliteStore::Open(Path(), clock_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  SqliteStore& store() {
    if (!store_) store_ = OpenStore();
    return *store_;
  }

  absl::Time now() { return clock_.Now(); }

  Job NewJob(const std::string& id, int64_t priority = 0) {
    Job job;
    job.id = id;
    job.spec.model = "models/m";
    job.spec.datasets = {{"datasets/d", 1}};
    job.spec.priority = priority;
    job.create_time = job.queue_time = now();
    return job;
  }

  Job Insert(const Job& job, const std::string& request_id = "", const std::string& digest = "") {
    absl::StatusOr<Job> inserted;
    const absl::Status status = store().Write([&](Transaction& transaction) {
      inserted = transaction.InsertJob(job, request_id, digest);
      return inserted.status();
    });
    EXPECT_TRUE(status.ok()) << status;
    return inserted.value_or(Job());
  }

  // The job as a worker's lease makes it.
  static Job Leased(const Job& job, absl::Time now) {
    Job leased = job;
    leased.state = JobState::kLeased;
    leased.epoch = job.epoch + 1;
    leased.attempt = job.attempt + 1;
    leased.worker_id = "w";
    leased.start_time = now;
    return leased;
  }

  absl::Status Update(const Job& before, const Job& after) {
    return store().Write(
        [&](Transaction& transaction) { return transaction.UpdateJob(before, after); });
  }

  absl::StatusOr<Job> Get(const std::string& id) {
    absl::StatusOr<Job> job;
    (void)store().Read([&](Reader& reader) {
      job = reader.GetJob(id);
      return absl::OkStatus();
    });
    return job;
  }

  VirtualClock clock_;
  ScratchFolder folder_{ScratchFolder::Where::kMemory};
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace tune::server
