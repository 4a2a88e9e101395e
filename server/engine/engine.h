// The scheduler without a network: every part, put together over one data folder.
//
//   DIR/lock       held for life: one scheduler per folder
//   DIR/tune.db    the store
//   DIR/blobs/ DIR/uploads/ DIR/quarantine/ DIR/trash/ DIR/logs/
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/files.h"
#include "server/engine/blob_collector.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/cordons.h"
#include "server/engine/data_folder.h"
#include "server/engine/job_logs.h"
#include "server/engine/leases.h"
#include "server/engine/liveness.h"
#include "server/engine/observed_store.h"
#include "server/engine/observer.h"
#include "server/engine/orders.h"
#include "server/engine/preemptor.h"
#include "server/engine/queries.h"
#include "server/engine/registry.h"
#include "server/engine/removal.h"
#include "server/engine/report.h"
#include "server/engine/scheduler.h"
#include "server/engine/submit.h"
#include "server/engine/users.h"
#include "server/engine/waiters.h"
#include "server/engine/watch.h"
#include "server/store/store.h"

namespace tune::server {

class Engine {
 public:
  // Takes the lock, applies migrations, becomes the store's one writer, and gives each live
  // lease a fresh TTL. FAILED_PRECONDITION: another scheduler runs on `data_dir`, its
  // database is newer than this program, or, unless `other` takes it, it is not the one of the
  // blobs there (data_folder.h). `clock` and `observer` must outlive the engine.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const std::string& data_dir, Clock& clock,
                                                      EngineObserver& observer,
                                                      const LeaseOptions& options = {},
                                                      OtherDatabase other = OtherDatabase::kRefuse);

  // All thread-safe. Calls block for a commit or a file at most, except Registry's
  // Create*, which read whole datasets and models.
  BlobStore& blobs() { return *blobs_; }
  JobLogs& logs() { return logs_; }
  EventHub& hub() { return hub_; }
  // Workers that wait for a job, to ask again when they are called.
  Waiters& waiters() { return waiters_; }
  Leases& leases() { return leases_; }
  Submit& submit() { return submit_; }
  Orders& orders() { return orders_; }
  Cordons& cordons() { return cordons_; }
  Users& users() { return users_; }
  Scheduler& scheduler() { return scheduler_; }
  Preemptor& preemptor() { return preemptor_; }
  Reports& reports() { return reports_; }
  Registry& registry() { return registry_; }
  Queries& queries() { return queries_; }
  Removal& removal() { return removal_; }

  BlobCollector& collector() { return collector_; }

  // OK while the store can be read and takes writes; for /readyz.
  absl::Status Ready();
  // DATA_LOSS once the database has proved damaged (observed_store.h).
  absl::Status StoreDamage() { return store_->Damage(); }

 private:
  Engine(std::unique_ptr<FileLock> lock, std::unique_ptr<ObservedStore> store,
         std::unique_ptr<BlobStore> blobs, const std::string& data_dir, Clock& clock,
         EngineObserver& observer, const LeaseOptions& options);

  const std::unique_ptr<FileLock> lock_;
  const std::unique_ptr<ObservedStore> store_;
  const std::unique_ptr<BlobStore> blobs_;
  JobLogs logs_;
  EventHub hub_;
  Waiters waiters_;
  Liveness liveness_;
  Commits commits_;
  Leases leases_;
  DataChecks checks_;
  Submit submit_;
  Orders orders_;
  Cordons cordons_;
  Users users_;
  Scheduler scheduler_;
  Preemptor preemptor_;
  Reports reports_;
  Registry registry_;
  Queries queries_;
  Removal removal_;
  BlobCollector collector_;
};

}  // namespace tune::server
