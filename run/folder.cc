#include "run/folder.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "run/object_file.h"

namespace tune {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxNameBytes = 512;
constexpr size_t kMaxDatasets = 65;  // a spec's 64, and the eval set

const std::vector<Field<RunDataset>>& RunDatasetFields() {
  using D = RunDataset;
  static const std::vector<Field<D>> fields = {
      {"dataset", ResourceField<D>{&D::dataset, "datasets"}, /*required=*/true},
      {"path", TextField<D>{&D::path, kMaxPathBytes}, /*required=*/true},
      {"sha256", CustomField<D>{[](const Json& json, const FieldContext& at, D* out) {
                                  ReadDigest(json, /*optional=*/true, at, &out->sha256);
                                },
                                [](const D& from) { return Json(from.sha256); }}},
      {"max_bad_rows", IntegerField<D>{&D::max_bad_rows, {0, kMaxBadRows}}},
  };
  return fields;
}

void ReadSpec(const Json& json, const FieldContext& at, RunFolder* run) {
  auto spec = RunSpecFromJson(json);
  for (const FieldError& error : FieldErrorsOf(spec.status())) {
    at.errors->Add(json.is_object() ? absl::StrCat(at.path, ".", error.field) : at.path,
                   error.message);
  }
  if (spec.ok()) run->spec = *std::move(spec);
}

Json WriteSpec(const RunFolder& run) { return RunSpecToJson(run.spec); }

void ReadDatasets(const Json& json, const FieldContext& at, RunFolder* run) {
  if (!CheckArray(json, kMaxDatasets, at)) return;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext entry{absl::StrCat(at.path, "[", i, "]"), at.errors};
    RunDataset& dataset = run->datasets.emplace_back();
    if (CheckObject(json[i], entry)) ReadFields(RunDatasetFields(), json[i], entry, &dataset);
  }
}

Json WriteDatasets(const RunFolder& run) {
  Json json = Json::array();
  for (const RunDataset& d : run.datasets) json.push_back(WriteFields(RunDatasetFields(), d));
  return json;
}

const std::vector<Field<RunFolder>>& RunFolderFields() {
  using R = RunFolder;
  static const std::vector<Field<R>> fields = {
      {"job", TextField<R>{&R::job, kMaxNameBytes}},
      {"attempt", IntegerField<R>{&R::attempt, {1, 1'000'000}}},
      {"spec", CustomField<R>{ReadSpec, WriteSpec}, /*required=*/true},
      {"model_path", TextField<R>{&R::model_path, kMaxPathBytes}, /*required=*/true},
      {"datasets", CustomField<R>{ReadDatasets, WriteDatasets}, /*required=*/true},
      {"resume_path", TextField<R>{&R::resume_path, kMaxPathBytes}},
      {"parent", TextField<R>{&R::parent, kMaxNameBytes}},
      {"model_digest", TextField<R>{&R::model_digest, kMaxNameBytes}},
      {"checkpoints_kept_by_worker", FlagField<R>{&R::checkpoints_kept_by_worker}},
  };
  return fields;
}

// Every dataset of the spec has a file.
void CheckDatasetFiles(const RunFolder& run, FieldErrors* errors) {
  std::set<std::string> given;
  for (const RunDataset& dataset : run.datasets) given.insert(dataset.dataset);
  std::vector<std::string> wanted;
  for (const DatasetSource& source : run.spec.datasets) wanted.push_back(source.dataset);
  if (EvaluatesOnDataset(run.spec)) wanted.push_back(run.spec.eval->dataset);
  for (const std::string& name : wanted) {
    if (given.contains(name)) continue;
    errors->Add("datasets", absl::StrCat("lacks the path of \"", name, "\", which the spec names"));
  }
}

}  // namespace

absl::StatusOr<RunFolder> ReadRunFolder(const std::string& dir) {
  return ReadObjectFile<RunFolder>(JoinPath(dir, kRunFile), RunFolderFields(), CheckDatasetFiles);
}

absl::Status WriteRunFolder(const std::string& dir, const RunFolder& run) {
  return WriteRunFolder(dir, run, RunSpecToJson(run.spec));
}

absl::Status WriteRunFolder(const std::string& dir, const RunFolder& run, const Json& spec) {
  Json json = WriteFields(RunFolderFields(), run);
  json["spec"] = spec;
  return WriteFileDurably(JoinPath(dir, kRunFile), DumpJson(json, 2) + "\n");
}

std::string CheckpointPath(absl::string_view checkpoint_id) {
  return JoinPath(kCheckpointsFolder, checkpoint_id);
}

}  // namespace tune
