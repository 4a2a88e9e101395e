#include "recipe/run_folder.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/dataset.h"
#include "recipe/json_fields.h"

namespace tune {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxNameBytes = 512;
constexpr size_t kMaxFiles = 100'000;
constexpr size_t kMaxDatasets = 65;  // a spec's 64, and the eval set
constexpr char kRunFile[] = "run.json";
constexpr char kManifestFile[] = "manifest.json";

// "" where `optional`, else 64 hex digits.
void ReadDigest(const Json& json, bool optional, const FieldContext& at, std::string* out) {
  if (!ReadText(json, kMaxPathBytes, at, out) || (optional && out->empty())) return;
  if (!IsSha256Hex(*out)) {
    at.Error(
        absl::StrCat("must be a SHA-256 in 64 lower-case hex digits, got ", DescribeJson(json)));
  }
}

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
  };
  return fields;
}

// Every dataset of the spec has a file.
void CheckDatasetFiles(const RunFolder& run, FieldErrors* errors) {
  std::set<std::string> given;
  for (const RunDataset& dataset : run.datasets) given.insert(dataset.dataset);
  std::vector<std::string> wanted;
  for (const DatasetSource& source : run.spec.datasets) wanted.push_back(source.dataset);
  if (run.spec.eval) wanted.push_back(run.spec.eval->dataset);
  for (const std::string& name : wanted) {
    if (given.contains(name)) continue;
    errors->Add("datasets", absl::StrCat("lacks the path of \"", name, "\", which the spec names"));
  }
}

// A path that stays inside the folder it is read from.
bool IsPathBelow(absl::string_view path) {
  if (path.empty() || path[0] == '/') return false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return !absl::StrContains(path, absl::string_view("\0", 1));
}

void ReadEntryPath(const Json& json, const FieldContext& at, ManifestEntry* entry) {
  if (!ReadText(json, kMaxPathBytes, at, &entry->path)) return;
  if (!IsPathBelow(entry->path)) {
    at.Error(absl::StrCat("must be a relative path inside the folder, got ", DescribeJson(json)));
  }
}

const std::vector<Field<ManifestEntry>>& EntryFields() {
  using E = ManifestEntry;
  static const std::vector<Field<E>> fields = {
      {"path", CustomField<E>{ReadEntryPath, [](const E& from) { return Json(from.path); }},
       /*required=*/true},
      {"size_bytes", IntegerField<E>{&E::size_bytes, {0, INT64_MAX}}, /*required=*/true},
      {"sha256",
       CustomField<E>{[](const Json& json, const FieldContext& at, E* out) {
                        ReadDigest(json, /*optional=*/false, at, &out->sha256);
                      },
                      [](const E& from) { return Json(from.sha256); }},
       /*required=*/true},
  };
  return fields;
}

void ReadEntries(const Json& json, const FieldContext& at, Manifest* manifest) {
  if (!CheckArray(json, kMaxFiles, at)) return;
  for (size_t i = 0; i < json.size(); ++i) {
    const FieldContext context{absl::StrCat(at.path, "[", i, "]"), at.errors};
    ManifestEntry entry;
    if (CheckObject(json[i], context)) ReadFields(EntryFields(), json[i], context, &entry);
    if (i > 0 && entry.path <= manifest->files.back().path) {
      at.errors->Add(context.path + ".path", "must come after the one before it, sorted");
    }
    manifest->files.push_back(std::move(entry));
  }
}

Json WriteEntries(const Manifest& manifest) {
  Json json = Json::array();
  for (const ManifestEntry& entry : manifest.files) {
    json.push_back(WriteFields(EntryFields(), entry));
  }
  return json;
}

const std::vector<Field<Manifest>>& ManifestFields() {
  using M = Manifest;
  static const std::vector<Field<M>> fields = {
      {"step", IntegerField<M>{&M::step, {0, INT64_MAX}}, /*required=*/true},
      {"epoch", NumberField<M>{&M::epoch, {0, 1e12}}},
      {"loss", NumberField<M>{&M::loss, {-1e300, 1e300}}},
      {"final", FlagField<M>{&M::final}, /*required=*/true},
      {"files", CustomField<M>{ReadEntries, WriteEntries}, /*required=*/true},
  };
  return fields;
}

// Reads an object by a table; errors begin with the file's path.
template <class T>
absl::StatusOr<T> ReadObjectFile(const std::string& path, const std::vector<Field<T>>& fields,
                                 void (*check)(const T&, FieldErrors*)) {
  ASSIGN_OR_RETURN(const Json json, ReadJsonFile(path));
  FieldErrors errors;
  T value;
  if (CheckObject(json, {"file", &errors})) ReadFields(fields, json, {"", &errors}, &value);
  if (errors.empty() && check != nullptr) check(value, &errors);
  if (!errors.empty()) return errors.ToStatus(path);
  return value;
}

// Syncs a file and describes it.
absl::StatusOr<ManifestEntry> DescribeFile(const std::string& dir, const std::string& path) {
  const std::string file = JoinPath(dir, path);
  RETURN_IF_ERROR(SyncFile(file));
  ManifestEntry entry{path, 0, ""};
  ASSIGN_OR_RETURN(entry.size_bytes, FileSize(file));
  ASSIGN_OR_RETURN(entry.sha256, Sha256File(file));
  return entry;
}

// The folders that hold `files`, relative to `dir`, whose entries must reach the disk.
absl::Status SyncFolders(const std::string& dir, const std::vector<ManifestEntry>& files) {
  std::set<std::string> folders = {dir};
  for (const ManifestEntry& file : files) {
    for (size_t slash = file.path.find('/'); slash != std::string::npos;
         slash = file.path.find('/', slash + 1)) {
      folders.insert(JoinPath(dir, file.path.substr(0, slash)));
    }
  }
  for (const std::string& folder : folders) RETURN_IF_ERROR(SyncDirectory(folder));
  return absl::OkStatus();
}

absl::Status VerifyEntry(const std::string& dir, const ManifestEntry& entry) {
  const std::string path = JoinPath(dir, entry.path);
  const auto size = FileSize(path);
  if (absl::IsNotFound(size.status())) {
    return absl::DataLossError(absl::StrCat(path, ": is missing; the manifest lists it"));
  }
  RETURN_IF_ERROR(size.status());
  if (*size != entry.size_bytes) {
    return absl::DataLossError(
        absl::StrCat(path, ": has ", *size, " bytes, the manifest says ", entry.size_bytes));
  }
  ASSIGN_OR_RETURN(const std::string sha256, Sha256File(path));
  if (sha256 == entry.sha256) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, ": SHA-256 is ", sha256, ", the manifest says ", entry.sha256));
}

}  // namespace

absl::StatusOr<RunFolder> ReadRunFolder(const std::string& dir) {
  return ReadObjectFile<RunFolder>(JoinPath(dir, kRunFile), RunFolderFields(), CheckDatasetFiles);
}

absl::Status WriteRunFolder(const std::string& dir, const RunFolder& run) {
  return WriteFileDurably(JoinPath(dir, kRunFile),
                          DumpJson(WriteFields(RunFolderFields(), run), 2) + "\n");
}

absl::StatusOr<Manifest> ReadManifest(const std::string& checkpoint_dir) {
  return ReadObjectFile<Manifest>(JoinPath(checkpoint_dir, kManifestFile), ManifestFields(),
                                  nullptr);
}

absl::StatusOr<Manifest> WriteManifest(const std::string& checkpoint_dir, int64_t step,
                                       double epoch, double loss, bool final) {
  Manifest manifest{step, epoch, loss, final, {}};
  ASSIGN_OR_RETURN(const auto paths, ListFilesBelow(checkpoint_dir));
  for (const std::string& path : paths) {
    if (path == kManifestFile || path == absl::StrCat(kManifestFile, ".tmp")) continue;
    ASSIGN_OR_RETURN(ManifestEntry entry, DescribeFile(checkpoint_dir, path));
    manifest.files.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(SyncFolders(checkpoint_dir, manifest.files));
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(checkpoint_dir, kManifestFile),
                                   DumpJson(WriteFields(ManifestFields(), manifest), 2) + "\n"));
  return manifest;
}

absl::Status VerifyManifest(const std::string& checkpoint_dir) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(checkpoint_dir));
  for (const ManifestEntry& entry : manifest.files) {
    RETURN_IF_ERROR(VerifyEntry(checkpoint_dir, entry));
  }
  return absl::OkStatus();
}

}  // namespace tune
