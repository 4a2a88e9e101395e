#include "server/store/workers_table.h"

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"

namespace tune::server::workers_table {
namespace {

constexpr char kSelect[] =
    "SELECT id, incarnation, installation, owner, resources, version, trainer_version, "
    "spec_fields, labels, register_time_us, cordons.worker_id IS NOT NULL, coalesce(user, ''), "
    "coalesce(reason, ''), time_us "
    "FROM workers LEFT JOIN cordons ON cordons.worker_id = workers.id";

Json ResourcesToJson(const WorkerResources& resources) {
  Json gpus = Json::array();
  for (const Gpu& gpu : resources.gpus) {
    gpus.push_back({{"product", gpu.product}, {"memory_bytes", gpu.memory_bytes}});
  }
  return {{"cpus", resources.cpus},
          {"host_memory_bytes", resources.host_memory_bytes},
          {"free_disk_bytes", resources.free_disk_bytes},
          {"gpus", gpus},
          {"unused_gpus", resources.unused_gpus}};
}

// Throws Json::exception.
WorkerResources ResourcesFromJson(const Json& json) {
  WorkerResources resources;
  resources.cpus = json.at("cpus");
  resources.host_memory_bytes = json.at("host_memory_bytes");
  resources.free_disk_bytes = json.at("free_disk_bytes");
  for (const Json& gpu : json.at("gpus")) {
    resources.gpus.push_back({gpu.at("product"), gpu.at("memory_bytes")});
  }
  resources.unused_gpus = json.value("unused_gpus", "");  // of an earlier release: absent
  return resources;
}

absl::StatusOr<WorkerResources> ReadResources(const std::string& text) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  try {
    return ResourcesFromJson(json);
  } catch (const Json::exception& error) {
    return absl::DataLossError(error.what());
  }
}

// One whose fields cannot be read must register again.
void ReadSpecFields(Query& row, WorkerRecord& worker) {
  const auto json = ParseJson(row.Text());
  try {
    if (json.ok()) worker.spec_fields = json->get<std::vector<std::string>>();
    if (json.ok()) return;
  } catch (const Json::exception&) {
  }
  row.Alarm(absl::StrCat("workers/", worker.id, ": the stored spec_fields cannot be read"));
}

void ReadLabels(Query& row, WorkerRecord& worker) {
  const auto json = ParseJson(row.Text());
  FieldErrors errors;
  if (json.ok()) worker.labels = LabelsFromJson(*json, "labels", &errors);
  if (json.ok() && errors.list().empty()) return;
  row.Alarm(absl::StrCat("workers/", worker.id, ": the stored labels cannot be read"));
}

// One whose resources cannot be read has none until it registers again.
WorkerRecord ReadWorker(Query& row) {
  WorkerRecord worker;
  worker.id = row.Text();
  worker.incarnation = row.Text();
  worker.installation = row.Text();
  worker.owner = row.Text();
  const auto resources = ReadResources(row.Text());
  if (resources.ok()) worker.resources = *resources;
  if (!resources.ok()) {
    row.Alarm(absl::StrCat("workers/", worker.id, ": the stored resources cannot be read: ",
                           resources.status().message()));
  }
  worker.version = row.Text();
  worker.trainer_version = row.Text();
  ReadSpecFields(row, worker);
  ReadLabels(row, worker);
  worker.register_time = row.Time();
  worker.heartbeat_time = worker.register_time;
  if (row.Int() != 0) {
    Cordon& cordon = worker.cordon.emplace();
    cordon.user = row.Text();
    cordon.reason = row.Text();
    cordon.time = row.Time();
  }
  return worker;
}

}  // namespace

absl::StatusOr<WorkerRecord> Get(Connection& connection, const std::string& id) {
  Query query(connection, absl::StrCat(kSelect, " WHERE id = ?"));
  if (!query.Bind(id).Next()) {
    return absl::NotFoundError(
        absl::StrCat("there is no workers/", id, "; see tunectl workers list"));
  }
  return ReadWorker(query);
}

std::vector<WorkerRecord> List(Connection& connection, const std::string& after_id, int64_t limit) {
  Query query(connection, absl::StrCat(kSelect, " WHERE id > ? ORDER BY id LIMIT ?"));
  query.Bind(after_id, limit);
  std::vector<WorkerRecord> workers;
  while (query.Next()) workers.push_back(ReadWorker(query));
  return workers;
}

void Put(Connection& connection, const WorkerRecord& worker) {
  Query(connection,
        "INSERT INTO workers (id, incarnation, installation, owner, resources, version, "
        "trainer_version, spec_fields, labels, register_time_us) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, "
        "installation = excluded.installation, owner = excluded.owner, "
        "resources = excluded.resources, version = excluded.version, "
        "trainer_version = excluded.trainer_version, spec_fields = excluded.spec_fields, "
        "labels = excluded.labels, "
        "register_time_us = excluded.register_time_us")
      .Bind(worker.id, worker.incarnation, worker.installation, worker.owner,
            DumpJson(ResourcesToJson(worker.resources)), worker.version, worker.trainer_version,
            DumpJson(worker.spec_fields), DumpJson(LabelsToJson(worker.labels)),
            worker.register_time)
      .Run();
}

void Delete(Connection& connection, const std::string& id) {
  Query(connection, "DELETE FROM workers WHERE id = ?").Bind(id).Run();
}

void PutCordon(Connection& connection, const std::string& worker_id, const Cordon& cordon) {
  Query(connection,
        "INSERT INTO cordons (worker_id, user, reason, time_us) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (worker_id) DO UPDATE SET user = excluded.user, reason = excluded.reason, "
        "time_us = excluded.time_us")
      .Bind(worker_id, cordon.user, cordon.reason, cordon.time)
      .Run();
}

bool DeleteCordon(Connection& connection, const std::string& worker_id) {
  return Query(connection, "DELETE FROM cordons WHERE worker_id = ?").Bind(worker_id).Run() > 0;
}

}  // namespace tune::server::workers_table
