#include "server/engine/data_checks.h"

#include <algorithm>
#include <map>
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
                  const DatasetSource& use, int64_t first_rows) {
  const LengthLimit limit = LimitOf(spec, model.max_position_embeddings);
  Json key = {{"version", kReportVersion},
              {"dataset", dataset.file.sha256},
              {"max_bad_rows", dataset.max_bad_rows},
              {"columns", ColumnsToJson(use.columns)},
              {"model", FilesThatDecide(model)},
              {"template", spec.prompt_template},
              {"train_on", spec.train_on},
              {"max_length", limit.max_length},
              {"max_length_policy", limit.policy}};
  if (!spec.templates.empty() || use.invert > 0) key["drawing"] = DrawingKey(spec, use);
  if (first_rows > 0) key["first_rows"] = first_rows;
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

// Why it cannot be used as the spec has it, for `purpose` ("learn from"); "" where it can.
std::string ProblemOf(const DataReport& report, const LengthLimit& limit, int64_t positions,
                      absl::string_view purpose) {
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
  return absl::StrCat("no row is left to ", purpose, ": ", absl::StrJoin(causes, "; "),
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

// Of what is evaluated on, the first rows alone are read.
bool IsTooLarge(const RunSpec& spec, const Dataset& dataset, int64_t first_rows) {
  return first_rows == 0 && dataset.file.size_bytes > DataChecks::MaxFileBytes(spec);
}

// What ReadDataset says of the rows, as one problem of the dataset.
absl::Status OfTheDataset(const absl::Status& status) {
  if (FieldErrorsOf(status).empty()) return status;
  return absl::InvalidArgumentError(absl::StrCat(
      status.message(),
      "; a dataset that is pushed with --max-bad-rows N leaves up to N such rows out"));
}

}  // namespace

// A dataset as the spec uses it.
struct DataChecks::Source {
  std::string field;  // of the spec
  DatasetSource use;
  int64_t first_rows = 0;  // that are used; 0: all
  bool learned = true;     // not only evaluated on
  Dataset dataset = {};
  std::string key = {};  // of its report
};

// What a spec names.
struct DataChecks::Inputs {
  Model model;
  std::vector<Source> sources;  // in the spec's order; what is evaluated on last
};

std::vector<DataChecks::Source> DataChecks::SourcesOf(const RunSpec& spec) {
  std::vector<Source> sources;
  for (size_t i = 0; i < spec.datasets.size(); ++i) {
    sources.push_back({absl::StrCat("datasets[", i, "].dataset"), spec.datasets[i]});
  }
  if (!EvaluatesOnDataset(spec)) return sources;
  DatasetSource use;
  use.dataset = spec.eval->dataset;
  use.columns = spec.eval->columns;
  sources.push_back({"eval.dataset", use, spec.eval->max_rows, /*learned=*/false});
  return sources;
}

absl::StatusOr<DataChecks::Inputs> DataChecks::ReadInputs(const RunSpec& spec) {
  Inputs inputs{{}, SourcesOf(spec)};
  RETURN_IF_ERROR(store_.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(inputs.model,
                     reader.GetModel(std::string(absl::StripPrefix(spec.model, "models/"))));
    for (Source& source : inputs.sources) {
      const absl::string_view id = absl::StripPrefix(source.use.dataset, "datasets/");
      ASSIGN_OR_RETURN(source.dataset, reader.GetDataset(std::string(id)));
      source.key = KeyOf(spec, inputs.model, source.dataset, source.use, source.first_rows);
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
  return Judge(spec, inputs, [&](const Source& source) {
    return Report(spec, inputs.model, source, on_progress);
  });
}

absl::StatusOr<std::optional<DataFindings>> DataChecks::FindKnown(const RunSpec& spec) {
  ASSIGN_OR_RETURN(const Inputs inputs, ReadInputs(spec));
  std::map<std::string, DataReport> known;
  for (const Source& source : inputs.sources) {
    if (IsTooLarge(spec, source.dataset, source.first_rows)) continue;
    ASSIGN_OR_RETURN(auto report, Find(source.key));
    if (!report) return std::nullopt;
    known[source.key] = *std::move(report);
  }
  return Judge(spec, inputs, [&](const Source& source) { return known.at(source.key); });
}

absl::StatusOr<DataFindings> DataChecks::Judge(
    const RunSpec& spec, const Inputs& inputs,
    absl::FunctionRef<absl::StatusOr<DataReport>(const Source&)> report_of) {
  const int64_t positions = inputs.model.max_position_embeddings;
  const LengthLimit limit = LimitOf(spec, positions);
  DataFindings findings;
  FieldErrors errors;
  for (const Source& source : inputs.sources) {
    if (IsTooLarge(spec, source.dataset, source.first_rows)) {
      RETURN_IF_ERROR(CheckTemplate(spec, inputs.model));
      findings.warnings.push_back(TooLargeToCheck(source.dataset));
      continue;
    }
    const auto report = report_of(source);
    if (absl::IsInvalidArgument(report.status()) && FieldErrorsOf(report.status()).empty()) {
      errors.Add(source.field, std::string(report.status().message()));
      continue;
    }
    RETURN_IF_ERROR(report.status());
    const std::string problem =
        ProblemOf(*report, limit, positions, source.learned ? "learn from" : "evaluate on");
    if (!problem.empty()) errors.Add(source.field, problem);
    const std::string& dataset = source.use.dataset;
    const std::string name = source.learned ? dataset : absl::StrCat("eval: ", dataset);
    const std::string warning = WarningOf(name, *report, limit);
    if (!warning.empty()) findings.warnings.push_back(warning);
    if (source.learned) findings.data.push_back(UseOf(dataset, *report));
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

absl::StatusOr<DataReport> DataChecks::Report(const RunSpec& spec, const Model& model,
                                              const Source& source, const OnProgress& on_progress) {
  ASSIGN_OR_RETURN(auto known, Find(source.key));
  if (known) return *std::move(known);
  const auto on_rows = [&](int64_t rows) {
    return on_progress({source.use.dataset, rows, source.dataset.rows});
  };
  RETURN_IF_ERROR(running_.Begin(source.key, on_rows));
  const absl::Cleanup end = [&] { running_.End(source.key); };
  return FindOrCompute(spec, model, source, on_rows);
}

absl::StatusOr<DataReport> DataChecks::FindOrCompute(const RunSpec& spec, const Model& model,
                                                     const Source& source,
                                                     const RunningChecks::OnRows& on_rows) {
  ASSIGN_OR_RETURN(auto known, Find(source.key));  // by another, while this one waited
  if (known) return *std::move(known);
  ASSIGN_OR_RETURN(DataReport report, Compute(spec, model, source, [&](int64_t rows) {
                     running_.SetRows(source.key, rows);
                     return on_rows(rows);
                   }));
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects&) {
    return transaction.PutDataReport(source.key, DumpJson(DataReportToJson(report)));
  }));
  return report;
}

absl::StatusOr<DataReport> DataChecks::Compute(const RunSpec& spec, const Model& model,
                                               const Source& source,
                                               const RunningChecks::OnRows& on_rows) {
  const Dataset& dataset = source.dataset;
  RETURN_IF_ERROR(CheckTemplate(spec, model));
  ASSIGN_OR_RETURN(const auto folder, LinkedFiles::Make(blobs_, model.files));
  ASSIGN_OR_RETURN(const ModelTokens tokens, OpenModelTokens(folder->path()));
  ASSIGN_OR_RETURN(ExampleFormat format,
                   ExampleFormatOf(spec, {*tokens.tokenizer, tokens.config.eos_token_id,
                                          folder->path(), TrainingDate()}));
  const std::string path = blobs_.Path(dataset.file.sha256);
  const DatasetOptions options{source.use.columns, dataset.max_bad_rows};
  auto drawing = ReadRowDrawing(spec, source.use, path, dataset.file.path, options,
                                [&] { return on_rows(0); });
  if (!drawing.ok()) return OfTheDataset(drawing.status());
  format.drawing = *std::move(drawing);
  int64_t used = 0;
  auto report = ReportOnDataset(
      path, dataset.file.path, options, format, LimitOf(spec, model.max_position_embeddings),
      [&](int64_t rows) {
        return source.first_rows > 0 && used == source.first_rows ? EnoughRows() : on_rows(rows);
      },
      [&](const Example&) { ++used; });
  return report.ok() ? std::move(report) : OfTheDataset(report.status());
}

}  // namespace tune::server
