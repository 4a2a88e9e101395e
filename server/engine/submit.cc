#include "server/engine/submit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/ids.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/data/mixture.h"
#include "run/names.h"
#include "run/schedule.h"
#include "server/core/text.h"
#include "server/core/validation.h"
#include "server/engine/attempts.h"
#include "server/engine/dependencies.h"
#include "server/engine/known_inputs.h"

namespace tune::server {
namespace {

constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxTextBytes = 256;
constexpr size_t kMaxSpecBytes = 1 << 20;
constexpr size_t kMaxShownBytes = 64;  // of a label's key, in an error
constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxStemBytes = 57;  // of a generated id, with six digits and a dash 64

void CheckLabels(const std::map<std::string, std::string>& labels, FieldErrors& errors) {
  if (labels.size() > kMaxLabels) {
    errors.Add("labels", absl::StrCat("must be at most ", kMaxLabels, ", got ", labels.size()));
  }
  for (const auto& [key, value] : labels) {
    const std::string field = absl::StrCat("labels[\"", MachineText(key, kMaxShownBytes), "\"]");
    if (key.empty() || key.size() > kMaxTextBytes || value.size() > kMaxTextBytes) {
      errors.Add(field, absl::StrCat("key and value must be at most ", kMaxTextBytes,
                                     " bytes, and the key not empty"));
    }
    CheckText(field, key, errors);
    CheckText(field, value, errors);
  }
}

// `spec`: the request's, as JSON.
absl::Status CheckRequest(const NewJob& request, const std::string& spec) {
  FieldErrors errors;
  if (!request.job_id.empty()) {
    for (const FieldError& e : FieldErrorsOf(CheckId(request.job_id, "job_id"))) {
      errors.Add(e.field, e.message);
    }
  }
  CheckLabels(request.labels, errors);
  if (request.request_id.size() > kMaxRequestIdBytes) {
    errors.Add("request_id", absl::StrCat("must be at most ", kMaxRequestIdBytes, " bytes"));
  }
  CheckText("request_id", request.request_id, errors);
  CheckSpecText(request.spec, errors);
  if (spec.size() > kMaxSpecBytes) {
    errors.Add("spec", absl::StrCat("must be at most ", kMaxSpecBytes, " bytes as JSON, got ",
                                    spec.size(), "; shorten template or sample_prompts"));
  }
  return errors.ToStatus("job");
}

// As it has been from the first release on: a database keeps it.
std::string BodyDigest(const NewJob& request, const Json& spec) {
  Json body = {{"job_id", request.job_id}, {"spec", spec}, {"labels", request.labels}};
  if (!request.after.empty()) {
    body["after"] = request.after;
    body["after_outcome"] = std::string(AfterOutcomeName(request.after_outcome));
  }
  return Sha256Hex(DumpJson(body));
}

// A job's own columns go before those that its dataset was pushed with.
void FillColumns(const KnownInputs& known, RunSpec& spec) {
  const auto fill = [&](const std::string& dataset, Columns* columns) {
    const auto pushed = known.datasets.find(dataset);
    if (pushed != known.datasets.end() && columns->empty()) *columns = pushed->second.columns;
  };
  for (DatasetSource& source : spec.datasets) fill(source.dataset, &source.columns);
  if (EvaluatesOnDataset(spec)) fill(spec.eval->dataset, &spec.eval->columns);
}

// Of the files that not every trainer reads.
std::map<std::string, std::string> KindsOf(const KnownInputs& known, const RunSpec& spec,
                                           FileKinds& file_kinds) {
  std::map<std::string, std::string> kinds;
  const auto tell = [&](const std::string& dataset, const Columns& columns) {
    std::string kind = file_kinds.KindOf(known.datasets.at(dataset), columns);
    if (!kind.empty()) kinds[dataset] = std::move(kind);
  };
  for (const DatasetSource& source : spec.datasets) tell(source.dataset, source.columns);
  if (EvaluatesOnDataset(spec)) tell(spec.eval->dataset, spec.eval->columns);
  return kinds;
}

// The default max_length gives way to a model with fewer positions; another one does not.
void FitMaxLength(const KnownInputs& known, Job& job) {
  if (!known.model || job.spec.max_length != RunSpec().max_length) return;
  const int64_t positions = known.model->max_position_embeddings;
  if (job.spec.max_length <= positions) return;
  job.spec.max_length = positions;
  job.warnings.push_back(
      absl::StrCat("max_length is ", positions, ", the positions of ", job.spec.model));
}

// Of `rows` those that are trained on, give or take a few that are held out or not.
int64_t TrainedRows(const RunSpec& spec, const DatasetSource& source, int64_t rows) {
  const auto kept = std::llround(static_cast<double>(rows) * (1 - spec.holdout));
  return source.max_rows > 0 ? std::min<int64_t>(kept, source.max_rows) : kept;
}

// By the rows that are used, or, of a dataset that was not looked through, by all.
absl::StatusOr<int64_t> ExamplesPerEpoch(Reader& reader, const Job& job) {
  std::vector<SourceSize> sizes;
  for (const DatasetSource& source : job.spec.datasets) {
    const auto use = std::find_if(job.data.begin(), job.data.end(),
                                  [&](const DataUse& u) { return u.dataset == source.dataset; });
    if (use != job.data.end()) {
      sizes.push_back({TrainedRows(job.spec, source, use->used), source.weight});
      continue;
    }
    ASSIGN_OR_RETURN(
        const Dataset dataset,
        reader.GetDataset(std::string(absl::StripPrefix(source.dataset, "datasets/"))));
    sizes.push_back({TrainedRows(job.spec, source, dataset.rows), source.weight});
  }
  const std::vector<int64_t> draws = DrawsPerEpoch(job.spec.mixture, sizes);
  return std::accumulate(draws.begin(), draws.end(), int64_t{0});
}

// How many steps it will have, and a warning where none of them would change a weight.
absl::Status PlanSteps(Reader& reader, Job& job) {
  const RunSpec& spec = job.spec;
  ASSIGN_OR_RETURN(const int64_t examples, ExamplesPerEpoch(reader, job));
  const int64_t steps =
      TotalSteps(StepsPerEpoch(examples, spec.batch_size), spec.epochs, spec.max_steps);
  job.progress.total_steps = steps;
  const std::string warning =
      RateWarning(MakeSchedule(spec.lr_scheduler, spec.learning_rate, spec.warmup_ratio, steps));
  if (!warning.empty()) job.warnings.push_back(warning);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FreeId(Reader& reader, const RunSpec& spec, absl::Time now) {
  const std::string stem =
      std::string(absl::StripPrefix(spec.model, "models/")).substr(0, kMaxStemBytes);
  while (true) {
    const std::string id = absl::StrCat(stem, "-", NewUlid(now).substr(20));
    const absl::Status taken = reader.GetJob(id).status();
    if (absl::IsNotFound(taken)) return id;
    RETURN_IF_ERROR(taken);
  }
}

absl::StatusOr<Job> Prepare(Reader& reader, BlobStore& blobs, FileKinds& file_kinds,
                            const NewJob& request, absl::Time now) {
  ASSIGN_OR_RETURN(const KnownInputs known, ReadInputs(reader, blobs, request.spec));
  Job job;
  job.spec = request.spec;
  job.labels = request.labels;
  job.owner = request.owner;
  job.after = request.after;
  job.after_outcome = request.after_outcome;
  job.create_time = job.queue_time = now;
  FitMaxLength(known, job);
  FillColumns(known, job.spec);
  RETURN_IF_ERROR(ValidateSpec(job.spec, known));
  job.file_kinds = KindsOf(known, job.spec, file_kinds);
  RETURN_IF_ERROR(FindDependencies(reader, job));
  job.spec_json = DumpJson(RunSpecToJson(job.spec));
  job.id = request.job_id;
  if (job.id.empty()) {
    ASSIGN_OR_RETURN(job.id, FreeId(reader, request.spec, now));
  }
  return job;
}

// The job with what is known of its data.
absl::StatusOr<Job> WithFindings(Reader& reader, Job job, const DataFindings& findings) {
  job.data = findings.data;
  job.warnings.insert(job.warnings.end(), findings.warnings.begin(), findings.warnings.end());
  RETURN_IF_ERROR(PlanSteps(reader, job));
  return job;
}

absl::Status CheckQueueQuota(const HotState& hot, const std::string& owner) {
  absl::Status status;
  hot.Read([&](const JobQueue& queue, const Fleet&, const Quotas& quotas) {
    const std::optional<int64_t> limit = quotas.Of(owner).queued_jobs;
    const int64_t queued = queue.CountOf(owner);
    if (!limit || queued < *limit) return;
    status = absl::ResourceExhaustedError(absl::StrCat(
        owner.empty() ? "who names nobody" : owner, " may have ", *limit,
        " jobs in the queue, and has ", queued,
        "; wait until some have begun, or have the quota raised: tunectl users quota"));
  });
  return status;
}

absl::StatusOr<Job> Insert(Transaction& transaction, const SubmitPlan& plan, Job prepared) {
  const std::string& request_id = plan.request.request_id;
  // Some of them may be over since.
  RETURN_IF_ERROR(FindDependencies(transaction, prepared));
  if (plan.request.job_id.empty()) {
    ASSIGN_OR_RETURN(prepared.id, FreeId(transaction, prepared.spec, prepared.create_time));
  }
  ASSIGN_OR_RETURN(const Job job, transaction.InsertJob(prepared, request_id,
                                                        request_id.empty() ? "" : plan.digest));
  JobEvent event;
  event.time = job.create_time;
  event.state = JobState::kQueued;
  RETURN_IF_ERROR(transaction.AppendEvent(job.id, event).status());
  return job;
}

absl::StatusOr<std::optional<Job>> FindRepeat(Reader& reader, const NewJob& request,
                                              const std::string& digest) {
  if (request.request_id.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const auto record, reader.FindSubmit(request.request_id));
  if (!record) return std::nullopt;
  if (record->body_digest != digest) {
    return absl::AlreadyExistsError(absl::StrCat("request_id ", request.request_id,
                                                 " was used for jobs/", record->job_id,
                                                 " with another body; use a new one"));
  }
  return reader.GetJob(record->job_id);
}

}  // namespace

Submit::Submit(Store& store, BlobStore& blobs, Commits& commits, DataChecks& checks, Clock& clock)
    : store_(store),
      blobs_(blobs),
      commits_(commits),
      checks_(checks),
      clock_(clock),
      file_kinds_(blobs) {}

absl::StatusOr<SubmitPlan> Submit::MakePlan(const NewJob& request) {
  const Json spec = RunSpecToJson(request.spec);
  RETURN_IF_ERROR(CheckRequest(request, DumpJson(spec)));
  SubmitPlan plan;
  plan.request = request;
  plan.digest = BodyDigest(request, spec);
  plan.registry_changes = store_.hot().registry_changes();
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(plan.earlier, FindRepeat(reader, request, plan.digest));
    if (plan.earlier) return absl::OkStatus();
    ASSIGN_OR_RETURN(plan.job, Prepare(reader, blobs_, file_kinds_, request, clock_.Now()));
    return absl::OkStatus();
  }));
  if (!plan.earlier) {
    ASSIGN_OR_RETURN(plan.findings, checks_.FindKnown(plan.job.spec));
  }
  return plan;
}

absl::Status Submit::CheckData(const SubmitPlan& plan, const DataChecks::OnProgress& on_progress) {
  return checks_.Check(plan.job.spec, on_progress).status();
}

absl::StatusOr<Job> Submit::CreateJob(const SubmitPlan& plan,
                                      const DataChecks::OnProgress& on_progress) {
  if (plan.earlier) return *plan.earlier;
  // What a transaction must not wait for comes before it.
  DataFindings findings;
  if (plan.findings) {
    findings = *plan.findings;
  } else {
    ASSIGN_OR_RETURN(findings, checks_.Check(plan.job.spec, on_progress));
  }
  absl::StatusOr<Job> job;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) {
    job = WithFindings(reader, plan.job, findings);
    return job.status();
  }));
  if (plan.request.validate_only) return job;
  const Job prepared = *std::move(job);
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const auto repeated, FindRepeat(transaction, plan.request, plan.digest));
    if (repeated) {
      job = *repeated;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(CheckQueueQuota(store_.hot(), prepared.owner));
    Job now = prepared;
    // What the plan was made of may have been deleted or replaced since.
    if (store_.hot().registry_changes() != plan.registry_changes) {
      ASSIGN_OR_RETURN(
          now, Prepare(transaction, blobs_, file_kinds_, plan.request, prepared.create_time));
      ASSIGN_OR_RETURN(now, WithFindings(transaction, now, findings));
    }
    job = Insert(transaction, plan, now);
    if (job.ok()) effects.submitted = job->id;
    return job.status();
  }));
  return job;
}

absl::StatusOr<Job> Submit::CreateJob(const NewJob& request) {
  ASSIGN_OR_RETURN(const SubmitPlan plan, MakePlan(request));
  return CreateJob(plan, [](const DataProgress&) { return absl::OkStatus(); });
}

}  // namespace tune::server
