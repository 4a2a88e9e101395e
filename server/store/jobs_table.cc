#include "server/store/jobs_table.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "base/status.h"
#include "server/core/source_list.h"
#include "server/core/spec_fit.h"
#include "server/core/validation.h"

namespace tune::server::jobs_table {
namespace {

// What a list shows of a spec: its long texts are left where they lie.
constexpr char kListedSpec[] =
    "CASE WHEN json_valid(spec) THEN json_remove(spec, '$.sample_prompts', '$.template', "
    "'$.templates') ELSE spec END";

// Ids of jobs, with spaces between.
constexpr char kWaitsFor[] =
    "coalesce((SELECT group_concat(after_id, ' ') FROM job_dependencies WHERE job_id = jobs.id), "
    "'')";

// In the order that ReadJob reads; before them submit_order, id, spec and kWaitsFor.
constexpr char kColumns[] =
    "labels, after, after_outcome, warnings, data, sources, file_kinds, state, epoch, attempt, "
    "retries_used, "
    "disruptions, "
    "furthest_step, run_time_us, retry_delay_us, avoids, gpu_indices, owner, worker_id, "
    "yield_reason, "
    "reason, message, create_time_us, queue_time_us, start_time_us, end_time_us, step, "
    "total_steps, epochs_done, loss, learning_rate, grad_norm, tokens_per_second, "
    "seconds_per_step, eta_seconds, eval_loss, progress_time_us, latest_checkpoint, "
    "final_checkpoint";

std::string Select(absl::string_view spec, absl::string_view condition) {
  return absl::StrCat("SELECT submit_order, id, ", spec, ", ", kWaitsFor, ", ", kColumns,
                      " FROM jobs ", condition);
}

std::vector<std::string> IdsFromText(const std::string& text) {
  return absl::StrSplit(text, ' ', absl::SkipEmpty());
}

void ReadProgress(Query& row, Progress& progress) {
  progress.step = row.Int();
  progress.total_steps = row.Int();
  progress.epoch = row.Real();
  progress.loss = row.Real();
  progress.learning_rate = row.Real();
  progress.grad_norm = row.Real();
  progress.tokens_per_second = row.Real();
  progress.seconds_per_step = row.Real();
  progress.eta_seconds = row.Real();
  progress.eval_loss = row.Real();
  progress.update_time = row.Time();
}

absl::Status ReadSpec(const std::string& text, RunSpec& spec) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  ASSIGN_OR_RETURN(spec, RunSpecFromJson(json));
  return absl::OkStatus();
}

// Reads `text` as JSON into a container of texts.
template <class Container>
absl::Status ReadTexts(const std::string& text, Container& texts) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  try {
    texts = json.get<Container>();
  } catch (const Json::exception& error) {
    return absl::DataLossError(error.what());
  }
  return absl::OkStatus();
}

absl::Status ReadOutcome(const std::string& text, AfterOutcome& outcome) {
  ASSIGN_OR_RETURN(outcome, AfterOutcomeFromName(text));
  return absl::OkStatus();
}

absl::Status ReadData(const std::string& text, std::vector<DataUse>& data) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  ASSIGN_OR_RETURN(data, DataUseFromJson(json));
  return absl::OkStatus();
}

absl::Status ReadSources(const std::string& text, std::vector<SourceProgress>& sources) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  ASSIGN_OR_RETURN(sources, SourcesFromJson(json));
  return absl::OkStatus();
}

// The columns spec to file_kinds. What cannot be read is left out and told.
void ReadTexts(Query& row, Job& job) {
  const auto note = [&](absl::string_view column, const absl::Status& status) {
    if (status.ok() || !job.unreadable.empty()) return;
    job.unreadable = absl::StrCat("the stored ", column, " cannot be read: ", status.message());
  };
  job.spec_json = row.Text();
  job.waits_for = IdsFromText(row.Text());
  note("spec", ReadSpec(job.spec_json, job.spec));
  note("labels", ReadTexts(row.Text(), job.labels));
  note("after", ReadTexts(row.Text(), job.after));
  note("after_outcome", ReadOutcome(row.Text(), job.after_outcome));
  note("warnings", ReadTexts(row.Text(), job.warnings));
  note("data", ReadData(row.Text(), job.data));
  note("sources", ReadSources(row.Text(), job.progress.sources));
  note("file_kinds", ReadTexts(row.Text(), job.file_kinds));
  if (!job.unreadable.empty()) row.Alarm(absl::StrCat("jobs/", job.id, ": ", job.unreadable));
}

std::string ListToText(const std::vector<int32_t>& numbers) { return absl::StrJoin(numbers, " "); }
std::string ListToText(const std::vector<std::string>& ids) { return absl::StrJoin(ids, " "); }

// Of the spec's fields; "" where it cannot be read.
std::string FieldsSetText(const std::string& spec_json) {
  const auto paths = FieldsSet(spec_json);
  return paths.ok() ? ListToText(*paths) : "";
}

// What is no number is left out.
std::vector<int32_t> NumbersFromText(const std::string& text) {
  std::vector<int32_t> numbers;
  for (const std::string& part : IdsFromText(text)) {
    if (int32_t number = 0; absl::SimpleAtoi(part, &number)) numbers.push_back(number);
  }
  return numbers;
}

// What the ends of its attempts have cost it, and what follows from them.
void ReadBudget(Query& row, Job& job) {
  job.budget.retries_used = static_cast<int32_t>(row.Int());
  job.budget.disruptions = static_cast<int32_t>(row.Int());
  job.furthest_step = row.Int();
  job.run_time = absl::Microseconds(row.Int());
  job.retry_delay = absl::Microseconds(row.Int());
  job.avoids = IdsFromText(row.Text());
  job.gpus = NumbersFromText(row.Text());
  job.owner = row.Text();
}

absl::StatusOr<Job> ReadJob(Query& row) {
  Job job;
  job.submit_order = row.Int();
  job.id = row.Text();
  ReadTexts(row, job);
  ASSIGN_OR_RETURN(job.state, JobStateFromName(row.Text()));
  job.epoch = row.Int();
  job.attempt = static_cast<int32_t>(row.Int());
  ReadBudget(row, job);
  job.worker_id = row.Text();
  job.yield_reason = row.Text();
  job.reason = row.Text();
  job.message = row.Text();
  job.create_time = row.Time();
  job.queue_time = row.Time();
  job.start_time = row.Time();
  job.end_time = row.Time();
  ReadProgress(row, job.progress);
  job.latest_checkpoint = row.Text();
  job.final_checkpoint = row.Text();
  return job;
}

absl::StatusOr<std::vector<Job>> ReadJobs(Query& query) {
  std::vector<Job> jobs;
  while (query.Next()) {
    ASSIGN_OR_RETURN(Job job, ReadJob(query));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

// "'QUEUED', 'LEASED'": names from our own table, never input.
std::string StateList(const std::vector<JobState>& states) {
  return absl::StrJoin(states, ", ", [](std::string* out, JobState state) {
    absl::StrAppend(out, "'", JobStateName(state), "'");
  });
}

// None where they cannot be read: such a job's spec cannot either.
Labels LabelsFromText(const std::string& text) {
  const auto json = ParseJson(text);
  FieldErrors errors;
  return json.ok() ? LabelsFromJson(*json, "worker_labels", &errors) : Labels();
}

// What a queue's jobs set, by the text it is stored as.
using SharedPaths = absl::flat_hash_map<std::string, FieldPaths>;

// Null for a spec that cannot be read: its job stands back when it is granted.
FieldPaths ReadFieldsSet(Query& row, SharedPaths& shared) {
  std::string text = row.Text();
  if (const std::string spec = row.Text(); !spec.empty()) text = FieldsSetText(spec);
  FieldPaths& paths = shared[text];
  if (paths == nullptr && !text.empty()) {
    paths = std::make_shared<const std::vector<std::string>>(IdsFromText(text));
  }
  return paths;
}

// They are there for a message's sake: none where they cannot be read.
std::map<std::string, std::string> ReadFileKinds(const std::string& text) {
  std::map<std::string, std::string> kinds;
  return ReadTexts(text, kinds).ok() ? kinds : std::map<std::string, std::string>();
}

void InsertInputs(Connection& connection, const Job& job) {
  std::vector<std::string> resources = DatasetNames(job.spec);
  resources.push_back(job.spec.model);
  for (const std::string& resource : resources) {
    Query(connection, "INSERT INTO job_inputs (resource, job_id) VALUES (?, ?)")
        .Bind(resource, job.id)
        .Run();
  }
}

void InsertDependencies(Connection& connection, const Job& job) {
  for (const std::string& after_id : job.waits_for) {
    Query(connection, "INSERT INTO job_dependencies (job_id, after_id) VALUES (?, ?)")
        .Bind(job.id, after_id)
        .Run();
  }
}

absl::Status NoLonger(const Job& job) {
  return absl::AbortedError(absl::StrCat("jobs/", job.id, " is no longer ", JobStateName(job.state),
                                         " at epoch ", job.epoch, "; read it and decide again"));
}

// Of a deleted job of this id; 0 where there was none.
int64_t EpochLeft(Connection& connection, const std::string& id) {
  Query query(connection, "SELECT epoch FROM deleted_jobs WHERE id = ?");
  return query.Bind(id).Next() ? query.Int() : 0;
}

absl::Status CheckMove(const Job& before, const Job& after) {
  if (before.state != after.state && !CanMove(before.state, after.state)) {
    return absl::InternalError(absl::StrCat("jobs/", before.id, " must not move from ",
                                            JobStateName(before.state), " to ",
                                            JobStateName(after.state)));
  }
  if (after.epoch < before.epoch) {
    return absl::InternalError(absl::StrCat("jobs/", before.id, ": its epoch must not fall from ",
                                            before.epoch, " to ", after.epoch));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Job> Get(Connection& connection, const std::string& id) {
  Query query(connection, Select("spec", "WHERE id = ?"));
  if (!query.Bind(id).Next()) {
    return absl::NotFoundError(absl::StrCat("there is no jobs/", id, "; see tunectl list"));
  }
  return ReadJob(query);
}

absl::StatusOr<std::vector<Job>> List(Connection& connection, const JobFilter& filter) {
  std::string sql = Select(kListedSpec, "WHERE (?1 = 0 OR submit_order < ?1)");
  if (!filter.states.empty())
    absl::StrAppend(&sql, " AND state IN (", StateList(filter.states), ")");
  Query query(connection, absl::StrCat(sql, " ORDER BY submit_order DESC LIMIT ?2"));
  query.Bind(filter.before_order, filter.limit);
  return ReadJobs(query);
}

absl::StatusOr<std::vector<Job>> ListHeld(Connection& connection, const std::string& worker_id) {
  Query query(connection, Select("spec",
                                 "WHERE state IN ('LEASED', 'RUNNING') AND (?1 = '' OR worker_id = "
                                 "?1) ORDER BY submit_order"));
  query.Bind(worker_id);
  return ReadJobs(query);
}

std::optional<SubmitRecord> FindSubmit(Connection& connection, const std::string& request_id) {
  Query query(connection, "SELECT id, body_digest FROM jobs WHERE request_id = ?");
  if (!query.Bind(request_id).Next()) return std::nullopt;
  SubmitRecord record;
  record.job_id = query.Text();
  record.body_digest = query.Text();
  return record;
}

std::vector<QueuedJob> ListQueue(Connection& connection) {
  Query query(
      connection,
      absl::StrCat("SELECT id, priority, submit_order, owner, device, gpus, host_memory_bytes, "
                   "worker_labels, avoids, ",
                   kWaitsFor,
                   ", queue_time_us, file_kinds, coalesce(fields_set, ''), "
                   "CASE WHEN fields_set IS NULL THEN spec ELSE '' END "
                   "FROM jobs WHERE state = 'QUEUED'"));
  SharedPaths paths;
  std::vector<QueuedJob> queue;
  while (query.Next()) {
    QueuedJob& job = queue.emplace_back();
    job.id = query.Text();
    job.priority = query.Int();
    job.submit_order = query.Int();
    job.owner = query.Text();
    job.resources.device = query.Text();
    job.resources.gpus = query.Int();
    job.resources.host_memory_bytes = query.Int();
    job.resources.worker_labels = LabelsFromText(query.Text());
    job.avoids = IdsFromText(query.Text());
    job.waits_for = IdsFromText(query.Text());
    job.queue_time = query.Time();
    job.file_kinds = ReadFileKinds(query.Text());
    job.fields_set = ReadFieldsSet(query, paths);
  }
  return queue;
}

std::map<std::string, absl::Duration> RetryDelays(Connection& connection) {
  std::map<std::string, absl::Duration> delays;
  Query query(connection,
              "SELECT id, retry_delay_us FROM jobs WHERE state = 'QUEUED' AND retry_delay_us > 0");
  while (query.Next()) {
    const std::string id = query.Text();
    delays[id] = absl::Microseconds(query.Int());
  }
  return delays;
}

std::map<JobState, int64_t> Count(Connection& connection) {
  std::map<JobState, int64_t> counts;
  for (JobState state : kJobStates) {
    Query query(connection, "SELECT count(*) FROM jobs WHERE state = ?");
    query.Bind(JobStateName(state)).Next();
    counts[state] = query.Int();
  }
  return counts;
}

std::optional<std::string> FindUser(Connection& connection, const std::string& resource) {
  Query query(connection,
              "SELECT id FROM jobs JOIN job_inputs ON job_inputs.job_id = jobs.id "
              "WHERE resource = ? AND end_time_us IS NULL ORDER BY submit_order LIMIT 1");
  if (!query.Bind(resource).Next()) return std::nullopt;
  return query.Text();
}

std::vector<std::string> FindQueuedUsers(Connection& connection, const std::string& resource) {
  Query query(connection,
              "SELECT id FROM jobs JOIN job_inputs ON job_inputs.job_id = jobs.id "
              "WHERE resource = ? AND state = 'QUEUED' ORDER BY submit_order");
  query.Bind(resource);
  std::vector<std::string> ids;
  while (query.Next()) ids.push_back(query.Text());
  return ids;
}

std::vector<std::string> ListDependents(Connection& connection, const std::string& job_id) {
  Query query(connection, "SELECT job_id FROM job_dependencies WHERE after_id = ? ORDER BY job_id");
  query.Bind(job_id);
  std::vector<std::string> ids;
  while (query.Next()) ids.push_back(query.Text());
  return ids;
}

void DeleteDependency(Connection& connection, const std::string& job_id,
                      const std::string& after_id) {
  Query(connection, "DELETE FROM job_dependencies WHERE job_id = ? AND after_id = ?")
      .Bind(job_id, after_id)
      .Run();
}

std::optional<OrderRecord> FindOrder(Connection& connection, const std::string& request_id) {
  Query query(connection, "SELECT job_id, kind FROM orders WHERE request_id = ?");
  if (!query.Bind(request_id).Next()) return std::nullopt;
  OrderRecord order;
  order.job_id = query.Text();
  order.kind = query.Text();
  return order;
}

void InsertOrder(Connection& connection, const std::string& request_id, const OrderRecord& order) {
  Query(connection, "INSERT INTO orders (request_id, job_id, kind) VALUES (?, ?, ?)")
      .Bind(request_id, order.job_id, order.kind)
      .Run();
}

absl::StatusOr<Job> Insert(Connection& connection, const Job& job, const FieldPaths& fields_set,
                           const std::string& request_id, const std::string& body_digest) {
  if (Query(connection, "SELECT 1 FROM jobs WHERE id = ?").Bind(job.id).Next()) {
    return absl::AlreadyExistsError(
        absl::StrCat("jobs/", job.id, " exists already; choose another job_id, or leave it out"));
  }
  const std::string fields = fields_set == nullptr ? "" : ListToText(*fields_set);
  Job inserted = job;
  inserted.epoch = EpochLeft(connection, job.id);
  Query query(
      connection,
      "INSERT INTO jobs (id, request_id, body_digest, spec, fields_set, file_kinds, labels, after, "
      "after_outcome, warnings, data, "
      "priority, device, gpus, host_memory_bytes, worker_labels, state, epoch, attempt, owner, "
      "reason, message, "
      "create_time_us, queue_time_us, step, total_steps, epochs_done) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'QUEUED', ?, 0, ?, '', '', ?, ?, 0, "
      "?, "
      "0) "
      "RETURNING submit_order");
  query.Bind(job.id, TextOrNull{request_id}, TextOrNull{body_digest}, job.spec_json, fields,
             DumpJson(job.file_kinds), DumpJson(job.labels), DumpJson(job.after),
             AfterOutcomeName(job.after_outcome), DumpJson(job.warnings),
             DumpJson(DataUseToJson(job.data)), job.spec.priority, job.spec.resources.device,
             job.spec.resources.gpus, job.spec.resources.host_memory_bytes,
             DumpJson(LabelsToJson(job.spec.resources.worker_labels)), inserted.epoch, job.owner,
             job.create_time, job.queue_time, job.progress.total_steps);
  query.Next();
  inserted.submit_order = query.Int();
  query.Next();  // to its end: only then is the row there
  InsertInputs(connection, job);
  InsertDependencies(connection, job);
  return inserted;
}

absl::Status Delete(Connection& connection, const Job& job) {
  const int64_t gone =
      Query(connection, "DELETE FROM jobs WHERE id = ? AND state = ? AND epoch = ?")
          .Bind(job.id, JobStateName(job.state), job.epoch)
          .Run();
  if (gone == 0) return NoLonger(job);
  Query(connection,
        "INSERT INTO deleted_jobs (id, epoch) VALUES (?, ?) "
        "ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch")
      .Bind(job.id, job.epoch)
      .Run();
  return absl::OkStatus();
}

absl::Status Update(Connection& connection, const Job& before, const Job& after) {
  RETURN_IF_ERROR(CheckMove(before, after));
  const Progress& progress = after.progress;
  const int64_t changed =
      Query(connection,
            "UPDATE jobs SET state = ?, epoch = ?, attempt = ?, retries_used = ?, disruptions = ?, "
            "furthest_step = ?, run_time_us = ?, retry_delay_us = ?, avoids = ?, "
            "gpu_indices = ?, worker_id = ?, yield_reason = ?, reason = ?, "
            "message = ?, queue_time_us = ?, start_time_us = ?, "
            "end_time_us = ?, step = ?, total_steps = ?, epochs_done = ?, loss = ?, "
            "learning_rate = ?, grad_norm = ?, tokens_per_second = ?, seconds_per_step = ?, "
            "eta_seconds = ?, eval_loss = ?, progress_time_us = ?, latest_checkpoint = ?, "
            "final_checkpoint = ?, sources = ? WHERE id = ? AND state = ? AND epoch = ?")
          .Bind(JobStateName(after.state), after.epoch, after.attempt, after.budget.retries_used,
                after.budget.disruptions, after.furthest_step,
                absl::ToInt64Microseconds(after.run_time),
                absl::ToInt64Microseconds(after.retry_delay), ListToText(after.avoids),
                ListToText(after.gpus), TextOrNull{after.worker_id}, after.yield_reason,
                after.reason, after.message, after.queue_time, after.start_time, after.end_time)
          .Bind(progress.step, progress.total_steps, progress.epoch, progress.loss,
                progress.learning_rate, progress.grad_norm, progress.tokens_per_second,
                progress.seconds_per_step, progress.eta_seconds, progress.eval_loss,
                progress.update_time)
          .Bind(TextOrNull{after.latest_checkpoint}, TextOrNull{after.final_checkpoint},
                DumpJson(SourcesToJson(progress.sources)), before.id, JobStateName(before.state),
                before.epoch)
          .Run();
  if (changed == 1) return absl::OkStatus();
  return NoLonger(before);
}

}  // namespace tune::server::jobs_table
