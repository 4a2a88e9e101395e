#include "server/engine/data_checks.h"

#include <algorithm>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/data/chat_example.h"
#include "recipe/data/row_drawing.h"
#include "recipe/model/model_folder.h"
#include "recipe/tokenizer/tokenizer.h"
#include "run/folder.h"
#include "server/engine/linked_files.h"

namespace tune::server {
namespace {

// Raised by a release in which the same inputs give another report.
constexpr int kReportVersion = 3;

// The files of a model that decide how its rows are tokenized: all but the weights.
Json FilesThatDecide(const Model& model) {
  Json files = Json::array();
  for (const FileEntry& file : model.files) {
    if (!file.path.ends_with(".safetensors")) files.push_back({file.path, file.sha256});
  }
  return files;
}

// What rows become before they are tokenized (recipe/data/row_drawing.h).
Json DrawingKey(const RunSpec& spec, const DatasetSource& source) {
  return {{"templates", spec.templates},
          {"invert", source.invert},
          {"holdout", spec.holdout},
          {"seed", spec.seed}};
}

std::string KeyOf(const RunSpec& spec, const Model& model, const Dataset& dataset,
                  const DatasetSource& source) {
  const LengthLimit limit = LimitOf(spec, model.max_position_embeddings);
  Json key = {{"version", kReportVersion},
              {"dataset", dataset.file.sha256},
              {"max_bad_rows", dataset.max_bad_rows},
              {"columns", ColumnsToJson(source.columns)},
              {"model", FilesThatDecide(model)},
              {"template", spec.prompt_template},
              {"train_on", spec.train_on},
              {"max_length", limit.max_length},
              {"max_length_policy", limit.policy}};
  if (!spec.templates.empty() || source.invert > 0) key["drawing"] = DrawingKey(spec, source);
  return Sha256Hex(DumpJson(key));
}

DataUse UseOf(const std::string& dataset, const DataReport& report) {
  const FormReport total = report.Total();
  return {.dataset = dataset,
          .rows = total.rows,
          .used = total.used,
          .truncated = report.truncated,
          .dropped = report.dropped,
          .without_targets = report.without_targets,
          .tokens = total.tokens,
          .target_tokens = total.target_tokens};
}

std::string Rows(int64_t count, absl::string_view what) {
  return absl::StrCat(count, count == 1 ? " row " : " rows ", what);
}

std::string NamedRows(const DataReport& report) {
  if (report.named_rows.empty()) return "";
  return absl::StrCat(" (", absl::StrJoin(report.named_rows, ", "), ")");
}

std::string TooLong(int64_t rows, const LengthLimit& limit) {
  return absl::StrCat(rows, rows == 1 ? " row has" : " rows have", " more than ", limit.max_length,
                      " tokens");
}

std::string LongerLimit(const LengthLimit& limit, int64_t positions) {
  return limit.max_length < positions ? "raise max_length, " : "";
}

// Why nothing can be learned from it as the spec has it; "" where something can.
std::string ProblemOf(const DataReport& report, const LengthLimit& limit, int64_t positions) {
  if (report.too_long > 0) {
    return absl::StrCat(TooLong(report.too_long, limit), NamedRows(report), "; ",
                        LongerLimit(limit, positions),
                        "shorten them, or set max_length_policy to truncate or drop");
  }
  if (report.Total().used > 0) return "";
  std::vector<std::string> causes;
  if (report.without_targets > 0) {
    causes.push_back(Rows(report.without_targets, "with nothing in them to learn"));
  }
  if (report.dropped > 0) {
    causes.push_back(absl::StrCat(TooLong(report.dropped, limit), ": ",
                                  LongerLimit(limit, positions),
                                  "shorten them, or set max_length_policy to truncate"));
  }
  return absl::StrCat("no row is left to learn from: ", absl::StrJoin(causes, "; "),
                      NamedRows(report));
}

std::string WarningOf(const std::string& dataset, const DataReport& report,
                      const LengthLimit& limit) {
  std::vector<std::string> parts;
  const auto add = [&](int64_t rows, absl::string_view what) {
    if (rows > 0) parts.push_back(Rows(rows, what));
  };
  add(report.truncated, absl::StrCat("cut to ", limit.max_length, " tokens"));
  add(report.dropped, absl::StrCat("left out for more than ", limit.max_length, " tokens"));
  add(report.without_targets, "left out, with nothing in them to learn");
  add(report.bad_rows, "left out as malformed");
  parts.insert(parts.end(), report.notes.begin(), report.notes.end());
  return parts.empty() ? "" : absl::StrCat(dataset, ": ", absl::StrJoin(parts, ", "));
}

std::string TooLargeToCheck(const Dataset& dataset) {
  return absl::StrCat("datasets/", dataset.id, " has ", dataset.file.size_bytes >> 20,
                      " MiB: the worker looks through its rows, not the scheduler");
}

// What ReadDataset says of the rows, as one problem of the dataset.
absl::Status OfTheDataset(const absl::Status& status) {
  if (FieldErrorsOf(status).empty()) return status;
  return absl::InvalidArgumentError(absl::StrCat(
      status.message(),
      "; a dataset that is pushed with --max-bad-rows N leaves up to N such rows out"));
}

}  // namespace

// What a spec names.
struct DataChecks::Inputs {
  Model model;
  std::vector<Dataset> datasets;  // in the spec's order
};

absl::StatusOr<DataChecks::Inputs> DataChecks::ReadInputs(const RunSpec& spec) {
  Inputs inputs;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(inputs.model,
                     reader.GetModel(std::string(absl::StripPrefix(spec.model, "models/"))));
    for (const DatasetSource& source : spec.datasets) {
      ASSIGN_OR_RETURN(
          Dataset dataset,
          reader.GetDataset(std::string(absl::StripPrefix(source.dataset, "datasets/"))));
      inputs.datasets.push_back(std::move(dataset));
    }
    return absl::OkStatus();
  }));
  return inputs;
}

int64_t DataChecks::MaxFileBytes(const RunSpec& spec) {
  const bool is_rendered = spec.prompt_template == kChatTemplateName;
  return (is_rendered ? int64_t{512} : int64_t{4096}) << 20;
}

absl::StatusOr<DataFindings> DataChecks::Check(const RunSpec& spec, const OnProgress& on_progress) {
  ASSIGN_OR_RETURN(const Inputs inputs, ReadInputs(spec));
  return Judge(spec, inputs, [&](size_t i) { return Report(spec, inputs, i, on_progress); });
}

absl::StatusOr<std::optional<DataFindings>> DataChecks::FindKnown(const RunSpec& spec) {
  ASSIGN_OR_RETURN(const Inputs inputs, ReadInputs(spec));
  std::vector<DataReport> known(spec.datasets.size());
  for (size_t i = 0; i < spec.datasets.size(); ++i) {
    if (inputs.datasets[i].file.size_bytes > MaxFileBytes(spec)) continue;
    ASSIGN_OR_RETURN(auto report,
                     Find(KeyOf(spec, inputs.model, inputs.datasets[i], spec.datasets[i])));
    if (!report) return std::nullopt;
    known[i] = *std::move(report);
  }
  return Judge(spec, inputs, [&](size_t i) { return known[i]; });
}

absl::StatusOr<DataFindings> DataChecks::Judge(
    const RunSpec& spec, const Inputs& inputs,
    absl::FunctionRef<absl::StatusOr<DataReport>(size_t)> report_of) {
  const LengthLimit limit = LimitOf(spec, inputs.model.max_position_embeddings);
  DataFindings findings;
  FieldErrors errors;
  for (size_t i = 0; i < spec.datasets.size(); ++i) {
    if (inputs.datasets[i].file.size_bytes > MaxFileBytes(spec)) {
      RETURN_IF_ERROR(CheckTemplate(spec, inputs.model));
      findings.warnings.push_back(TooLargeToCheck(inputs.datasets[i]));
      continue;
    }
    const std::string field = absl::StrCat("datasets[", i, "].dataset");
    const auto report = report_of(i);
    if (absl::IsInvalidArgument(report.status()) && FieldErrorsOf(report.status()).empty()) {
      errors.Add(field, std::string(report.status().message()));
      continue;
    }
    RETURN_IF_ERROR(report.status());
    const std::string problem = ProblemOf(*report, limit, inputs.model.max_position_embeddings);
    if (!problem.empty()) errors.Add(field, problem);
    const std::string& dataset = spec.datasets[i].dataset;
    const std::string warning = WarningOf(dataset, *report, limit);
    if (!warning.empty()) findings.warnings.push_back(warning);
    findings.data.push_back(UseOf(dataset, *report));
  }
  RETURN_IF_ERROR(errors.ToStatus("job spec"));
  return findings;
}

// Even where no row is looked at, a model must have the template that it is to be asked by.
absl::Status DataChecks::CheckTemplate(const RunSpec& spec, const Model& model) {
  if (spec.prompt_template != kChatTemplateName) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto folder, LinkedFiles::Make(blobs_, model.files));
  const absl::Status started = StartChatTemplate(folder->path(), TrainingDate()).status();
  if (!absl::IsInvalidArgument(started)) return started;
  FieldErrors errors;
  errors.Add("template", std::string(started.message()));
  return errors.ToStatus("job spec");
}

absl::StatusOr<std::optional<DataReport>> DataChecks::Find(const std::string& key) {
  std::optional<std::string> text;
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(text, reader.FindDataReport(key));
    return absl::OkStatus();
  }));
  if (!text) return std::nullopt;
  const auto json = ParseJson(*text);
  auto report = json.ok() ? DataReportFromJson(*json) : json.status();
  if (!report.ok()) return std::nullopt;  // it is made again
  return *std::move(report);
}

absl::StatusOr<DataReport> DataChecks::Report(const RunSpec& spec, const Inputs& inputs, size_t i,
                                              const OnProgress& on_progress) {
  const DatasetSource& source = spec.datasets[i];
  const std::string key = KeyOf(spec, inputs.model, inputs.datasets[i], source);
  ASSIGN_OR_RETURN(auto known, Find(key));
  if (known) return *std::move(known);
  const auto on_rows = [&](int64_t rows) {
    return on_progress({source.dataset, rows, inputs.datasets[i].rows});
  };
  RETURN_IF_ERROR(running_.Begin(key, on_rows));
  const absl::Cleanup end = [&] { running_.End(key); };
  return FindOrCompute(key, spec, inputs, i, on_rows);
}

absl::StatusOr<DataReport> DataChecks::FindOrCompute(const std::string& key, const RunSpec& spec,
                                                     const Inputs& inputs, size_t i,
                                                     const RunningChecks::OnRows& on_rows) {
  ASSIGN_OR_RETURN(auto known, Find(key));  // by another, while this one waited
  if (known) return *std::move(known);
  ASSIGN_OR_RETURN(DataReport report, Compute(spec, inputs, i, [&](int64_t rows) {
                     running_.SetRows(key, rows);
                     return on_rows(rows);
                   }));
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects&) {
    return transaction.PutDataReport(key, DumpJson(DataReportToJson(report)));
  }));
  return report;
}

absl::StatusOr<DataReport> DataChecks::Compute(const RunSpec& spec, const Inputs& inputs, size_t i,
                                               const RunningChecks::OnRows& on_rows) {
  const Dataset& dataset = inputs.datasets[i];
  const DatasetSource& source = spec.datasets[i];
  RETURN_IF_ERROR(CheckTemplate(spec, inputs.model));
  ASSIGN_OR_RETURN(const auto folder, LinkedFiles::Make(blobs_, inputs.model.files));
  ASSIGN_OR_RETURN(const ModelTokens model, OpenModelTokens(folder->path()));
  ASSIGN_OR_RETURN(ExampleFormat format,
                   ExampleFormatOf(spec, {*model.tokenizer, model.config.eos_token_id,
                                          folder->path(), TrainingDate()}));
  const std::string path = blobs_.Path(dataset.file.sha256);
  const DatasetOptions options{source.columns, dataset.max_bad_rows};
  auto drawing =
      ReadRowDrawing(spec, source, path, dataset.file.path, options, [&] { return on_rows(0); });
  if (!drawing.ok()) return OfTheDataset(drawing.status());
  format.drawing = *std::move(drawing);
  auto report = ReportOnDataset(path, dataset.file.path, options, format,
                                LimitOf(spec, inputs.model.max_position_embeddings), on_rows);
  return report.ok() ? std::move(report) : OfTheDataset(report.status());
}

}  // namespace tune::server
