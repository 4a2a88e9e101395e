// Reader and Transaction over one connection: each method is one call of a table function
// inside Connection::Catch. What changes the queue or the fleet changes the hot state too.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "run/spec.h"
#include "server/store/attempts_table.h"
#include "server/store/catalog_tables.h"
#include "server/store/checkpoints_table.h"
#include "server/store/events_table.h"
#include "server/store/hot_state.h"
#include "server/store/jobs_table.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"
#include "server/store/users_table.h"
#include "server/store/workers_table.h"

namespace tune::server {

// Base: Reader or Transaction.
template <class Base>
class SqliteReads : public Base {
 public:
  explicit SqliteReads(Connection& connection) : connection_(connection) {}

  absl::StatusOr<Job> GetJob(const std::string& id) override {
    return Call<Job>([&] { return jobs_table::Get(connection_, id); });
  }
  absl::StatusOr<std::vector<Job>> ListJobs(const JobFilter& filter) override {
    return Call<std::vector<Job>>([&] { return jobs_table::List(connection_, filter); });
  }
  absl::StatusOr<std::vector<Job>> HeldJobs(const std::string& worker_id) override {
    return Call<std::vector<Job>>([&] { return jobs_table::ListHeld(connection_, worker_id); });
  }
  absl::StatusOr<std::optional<SubmitRecord>> FindSubmit(const std::string& request_id) override {
    return Call<std::optional<SubmitRecord>>(
        [&] { return jobs_table::FindSubmit(connection_, request_id); });
  }
  absl::StatusOr<std::optional<OrderRecord>> FindOrder(const std::string& request_id) override {
    return Call<std::optional<OrderRecord>>(
        [&] { return jobs_table::FindOrder(connection_, request_id); });
  }
  absl::StatusOr<std::vector<std::string>> ListDependents(const std::string& job_id) override {
    return Call<std::vector<std::string>>(
        [&] { return jobs_table::ListDependents(connection_, job_id); });
  }
  absl::StatusOr<std::map<std::string, absl::Duration>> RetryDelays() override {
    return Call<std::map<std::string, absl::Duration>>(
        [&] { return jobs_table::RetryDelays(connection_); });
  }
  absl::StatusOr<std::map<JobState, int64_t>> CountJobs() override {
    return Call<std::map<JobState, int64_t>>([&] { return jobs_table::Count(connection_); });
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(const std::string& job_id) override {
    return Call<std::vector<Attempt>>([&] { return attempts_table::List(connection_, job_id); });
  }
  absl::StatusOr<Attempt> GetAttempt(const std::string& job_id, int32_t number) override {
    return Call<Attempt>([&] { return attempts_table::Get(connection_, job_id, number); });
  }
  absl::StatusOr<std::optional<LeaseKey>> FindLease(const std::string& request_id) override {
    return Call<std::optional<LeaseKey>>(
        [&] { return attempts_table::FindLease(connection_, request_id); });
  }
  absl::StatusOr<std::vector<JobEvent>> ListEvents(const std::string& job_id, int64_t after_seq,
                                                   int64_t limit) override {
    return Call<std::vector<JobEvent>>(
        [&] { return events_table::List(connection_, job_id, after_seq, limit); });
  }
  absl::StatusOr<WorkerRecord> GetWorker(const std::string& id) override {
    return Call<WorkerRecord>([&] { return workers_table::Get(connection_, id); });
  }
  absl::StatusOr<std::vector<WorkerRecord>> ListWorkers(const std::string& after_id,
                                                        int64_t limit) override {
    return Call<std::vector<WorkerRecord>>(
        [&] { return workers_table::List(connection_, after_id, limit); });
  }
  absl::StatusOr<std::map<std::string, Usage>> ListUsages() override {
    return Call<std::map<std::string, Usage>>([&] { return users_table::ListUsages(connection_); });
  }
  absl::StatusOr<std::map<std::string, Quota>> ListQuotas() override {
    return Call<std::map<std::string, Quota>>([&] { return users_table::ListQuotas(connection_); });
  }
  absl::StatusOr<Dataset> GetDataset(const std::string& id) override {
    return Call<Dataset>([&] { return datasets_table::Get(connection_, id); });
  }
  absl::StatusOr<std::optional<std::string>> FindDataReport(const std::string& key) override {
    return Call<std::optional<std::string>>(
        [&] { return data_reports_table::Find(connection_, key); });
  }
  absl::StatusOr<std::vector<Dataset>> ListDatasets(const std::string& after_id,
                                                    int64_t limit) override {
    return Call<std::vector<Dataset>>(
        [&] { return datasets_table::List(connection_, after_id, limit); });
  }
  absl::StatusOr<Model> GetModel(const std::string& id) override {
    return Call<Model>([&] { return models_table::Get(connection_, id); });
  }
  absl::StatusOr<std::vector<Model>> ListModels(const std::string& after_id,
                                                int64_t limit) override {
    return Call<std::vector<Model>>(
        [&] { return models_table::List(connection_, after_id, limit); });
  }
  absl::StatusOr<std::optional<std::string>> FindUser(const std::string& resource) override {
    return Call<std::optional<std::string>>(
        [&] { return jobs_table::FindUser(connection_, resource); });
  }
  absl::StatusOr<std::vector<std::string>> FindQueuedUsers(const std::string& resource) override {
    return Call<std::vector<std::string>>(
        [&] { return jobs_table::FindQueuedUsers(connection_, resource); });
  }
  absl::StatusOr<Checkpoint> GetCheckpoint(const std::string& job_id,
                                           const std::string& id) override {
    return Call<Checkpoint>([&] { return checkpoints_table::Get(connection_, job_id, id); });
  }
  absl::StatusOr<std::vector<CheckpointRow>> ListCheckpoints(
      const CheckpointFilter& filter) override {
    return Call<std::vector<CheckpointRow>>(
        [&] { return checkpoints_table::List(connection_, filter); });
  }
  absl::StatusOr<int64_t> CountCheckpoints() override {
    return Call<int64_t>([&] { return checkpoints_table::Count(connection_); });
  }
  absl::StatusOr<bool> IsBlobReferenced(const std::string& sha256) override {
    return Call<bool>([&] { return server::IsBlobReferenced(connection_, sha256); });
  }
  absl::StatusOr<std::vector<BlobUser>> FindBlobUsers(const std::string& sha256) override {
    return Call<std::vector<BlobUser>>([&] { return server::FindBlobUsers(connection_, sha256); });
  }

 protected:
  template <class T, class F>
  absl::StatusOr<T> Call(F&& f) {
    return connection_.Catch([&]() -> absl::StatusOr<T> { return f(); });
  }
  template <class F>
  absl::Status Do(F&& f) {
    return connection_.Catch([&]() -> absl::Status {
      if constexpr (std::is_void_v<decltype(f())>) {
        f();
        return absl::OkStatus();
      } else {
        return f();
      }
    });
  }

  Connection& connection_;
};

using SqliteReader = SqliteReads<Reader>;

class SqliteTransaction : public SqliteReads<Transaction> {
 public:
  SqliteTransaction(Connection& connection, HotState& hot) : SqliteReads(connection), hot_(hot) {}

  absl::StatusOr<Job> InsertJob(const Job& job, const std::string& request_id,
                                const std::string& body_digest) override {
    Job row = job;
    if (row.spec_json.empty()) row.spec_json = DumpJson(RunSpecToJson(row.spec));
    QueuedJob queued = QueuedJobOf(row);
    ASSIGN_OR_RETURN(row, Call<Job>([&] {
                       return jobs_table::Insert(connection_, row, queued.fields_set, request_id,
                                                 body_digest);
                     }));
    queued.submit_order = row.submit_order;
    hot_.PutQueued(queued);
    return row;
  }
  absl::Status UpdateJob(const Job& before, const Job& after) override {
    RETURN_IF_ERROR(Do([&] { return jobs_table::Update(connection_, before, after); }));
    hot_.PutJob(after);
    return absl::OkStatus();
  }
  absl::Status InsertOrder(const std::string& request_id, const OrderRecord& order) override {
    return Do([&] { jobs_table::InsertOrder(connection_, request_id, order); });
  }
  absl::Status DeleteDependency(const std::string& job_id, const std::string& after_id) override {
    return Do([&] { jobs_table::DeleteDependency(connection_, job_id, after_id); });
  }
  absl::Status DeleteJob(const Job& job) override {
    return Do([&] { return jobs_table::Delete(connection_, job); });
  }
  absl::Status InsertAttempt(const std::string& job_id, int64_t epoch,
                             const Attempt& attempt) override {
    return Do([&] { attempts_table::Insert(connection_, job_id, epoch, attempt); });
  }
  absl::Status UpdateAttempt(const std::string& job_id, const Attempt& attempt) override {
    return Do([&] { return attempts_table::Update(connection_, job_id, attempt); });
  }
  absl::StatusOr<int64_t> AppendEvent(const std::string& job_id, const JobEvent& event) override {
    return Call<int64_t>([&] { return events_table::Append(connection_, job_id, event); });
  }
  absl::Status PutWorker(const WorkerRecord& worker) override {
    RETURN_IF_ERROR(Do([&] { workers_table::Put(connection_, worker); }));
    return HeatWorker(worker.id);
  }
  absl::Status DeleteWorker(const std::string& id) override {
    RETURN_IF_ERROR(Do([&] { workers_table::Delete(connection_, id); }));
    hot_.RemoveWorker(id);
    return absl::OkStatus();
  }
  absl::Status PutCordon(const std::string& worker_id, const Cordon& cordon) override {
    RETURN_IF_ERROR(Do([&] { workers_table::PutCordon(connection_, worker_id, cordon); }));
    return HeatWorker(worker_id);
  }
  absl::StatusOr<bool> DeleteCordon(const std::string& worker_id) override {
    ASSIGN_OR_RETURN(const bool was_there, Call<bool>([&] {
                       return workers_table::DeleteCordon(connection_, worker_id);
                     }));
    RETURN_IF_ERROR(HeatWorker(worker_id));
    return was_there;
  }
  absl::Status PutQuota(const std::string& user, const std::optional<Quota>& quota) override {
    RETURN_IF_ERROR(Do([&] { users_table::PutQuota(connection_, user, quota); }));
    hot_.PutQuota(user, quota);
    return absl::OkStatus();
  }
  absl::Status AddUsage(const std::string& user, double device_seconds, absl::Time now) override {
    const Usage usage = server::AddUsage(hot_.UsageOf(user), device_seconds, now);
    RETURN_IF_ERROR(Do([&] { users_table::PutUsage(connection_, user, usage); }));
    hot_.PutUsage(user, usage);
    return absl::OkStatus();
  }
  absl::Status InsertDataset(const Dataset& dataset) override {
    hot_.NoteRegistryChange();
    return Do([&] { return datasets_table::Insert(connection_, dataset); });
  }
  absl::Status PutDataReport(const std::string& key, const std::string& report) override {
    return Do([&] { data_reports_table::Put(connection_, key, report); });
  }
  absl::Status DeleteDataset(const std::string& id) override {
    hot_.NoteRegistryChange();
    return Do([&] { return datasets_table::Delete(connection_, id); });
  }
  absl::Status InsertModel(const Model& model) override {
    hot_.NoteRegistryChange();
    return Do([&] { return models_table::Insert(connection_, model); });
  }
  absl::Status DeleteModel(const std::string& id) override {
    hot_.NoteRegistryChange();
    return Do([&] { return models_table::Delete(connection_, id); });
  }
  absl::Status InsertCheckpoint(const Checkpoint& checkpoint) override {
    return Do([&] { return checkpoints_table::Insert(connection_, checkpoint); });
  }
  absl::Status DeleteCheckpoint(const std::string& job_id, const std::string& id) override {
    return Do([&] { return checkpoints_table::Delete(connection_, job_id, id); });
  }

 private:
  // Where there is such a worker.
  absl::Status HeatWorker(const std::string& id) {
    const absl::StatusOr<WorkerRecord> worker = GetWorker(id);
    if (absl::IsNotFound(worker.status())) return absl::OkStatus();
    RETURN_IF_ERROR(worker.status());
    hot_.PutWorker(*worker);
    return absl::OkStatus();
  }

  HotState& hot_;
};

}  // namespace tune::server
