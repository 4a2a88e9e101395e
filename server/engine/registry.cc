#include "server/engine/registry.h"

#include <algorithm>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/status.h"
#include "recipe/data/dataset.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_folder.h"
#include "run/folder.h"
#include "server/engine/blob_damage.h"
#include "server/engine/linked_files.h"

namespace tune::server {
namespace {

absl::Status Taken(absl::string_view name, absl::string_view program) {
  return absl::AlreadyExistsError(
      absl::StrCat(name,
                   " exists already with other content or settings; choose another name, or "
                   "delete it first with tunectl ",
                   program));
}

absl::Status CheckOptions(const DatasetOptions& options) {
  FieldErrors errors;
  if (options.max_bad_rows < 0 || options.max_bad_rows > kMaxBadRows) {
    errors.Add("dataset.max_bad_rows",
               absl::StrCat("must be from 0 to ", kMaxBadRows, ", got ", options.max_bad_rows));
  }
  CheckColumns(options.columns, "dataset.columns", &errors);
  return errors.ToStatus("dataset");
}

bool HasOptions(const Dataset& dataset, const DatasetOptions& options) {
  return dataset.max_bad_rows == options.max_bad_rows && dataset.columns == options.columns;
}

// The same status with file names as the user knows them, not where we put the links.
absl::Status WithoutFolder(const absl::Status& status, const std::string& folder) {
  const auto cut = [&](const std::string& text) {
    return absl::StrReplaceAll(text, {{folder + "/", ""}, {folder, "model folder"}});
  };
  FieldErrors errors;
  for (const FieldError& e : FieldErrorsOf(status)) errors.Add(cut(e.field), cut(e.message));
  if (!errors.empty()) return errors.ToStatus("model");
  return absl::Status(status.code(), cut(std::string(status.message())));
}

absl::string_view PrecisionName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "fp32";
    case DType::kF16:
      return "fp16";
    case DType::kBF16:
      return "bf16";
    default:
      return "";
  }
}

absl::StatusOr<Model> InspectModel(const BlobStore& blobs, const std::vector<FileEntry>& files) {
  ASSIGN_OR_RETURN(const auto folder, LinkedFiles::Make(blobs, files));
  const auto opened = OpenModelFolder(folder->path());
  if (!opened.ok()) return WithoutFolder(opened.status(), folder->path());
  Model model;
  model.architecture = std::string(FamilyOf(opened->config).architecture);
  model.parameters = ParameterCount(opened->config);
  model.precision = std::string(PrecisionName(opened->dtype));
  model.max_position_embeddings = opened->config.max_position_embeddings;
  return model;
}

absl::Status CheckUnused(Reader& reader, const std::string& resource) {
  ASSIGN_OR_RETURN(const auto job_id, reader.FindUser(resource));
  if (!job_id) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(resource, " is used by jobs/", *job_id,
                                                    ", which is not over; cancel it, or wait"));
}

absl::StatusOr<Checkpoint> LatestCheckpoint(Reader& reader, const std::string& job_id) {
  ASSIGN_OR_RETURN(const Job job, reader.GetJob(job_id));
  const std::string& name =
      job.final_checkpoint.empty() ? job.latest_checkpoint : job.final_checkpoint;
  if (name.empty()) {
    return absl::NotFoundError(
        absl::StrCat("jobs/", job_id, " has no checkpoint yet; it is ", JobStateName(job.state)));
  }
  ASSIGN_OR_RETURN(const CheckpointRef ref, ParseCheckpointName(name));
  return reader.GetCheckpoint(ref.job_id, ref.checkpoint_id);
}

// Runs a read that gives a value.
template <class T, class F>
absl::StatusOr<T> ReadOne(Store& store, F&& read) {
  absl::StatusOr<T> result;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) {
    result = read(reader);
    return result.status();
  }));
  return result;
}

}  // namespace

Registry::Registry(Store& store, BlobStore& blobs, Commits& commits, Clock& clock)
    : store_(store), blobs_(blobs), commits_(commits), clock_(clock) {}

absl::Status Registry::ExplainDamage(const absl::Status& status, const std::string& sha256) {
  return server::ExplainDamage(status, store_, blobs_, sha256);
}

absl::Status Registry::Verify(const std::vector<FileEntry>& files, bool again) {
  absl::Status status;
  for (const FileEntry& file : files) {
    const absl::Status verified =
        again ? blobs_.Verify(file.sha256) : blobs_.VerifyOnce(file.sha256);
    if (status.ok()) status = ExplainDamage(verified, file.sha256);
  }
  return status;
}

absl::StatusOr<Dataset> Registry::CreateDataset(const std::string& id, const FileEntry& file,
                                                const DatasetOptions& options) {
  RETURN_IF_ERROR(CheckId(id, "dataset_id"));
  RETURN_IF_ERROR(CheckFiles({file}, "dataset.file"));
  RETURN_IF_ERROR(CheckOptions(options));
  if (const auto there = GetDataset(id); !absl::IsNotFound(there.status())) {
    RETURN_IF_ERROR(there.status());
    if (there->file.sha256 == file.sha256 && HasOptions(*there, options)) {
      RETURN_IF_ERROR(Verify({file}, /*again=*/true));
      return there;
    }
    return Taken(absl::StrCat("datasets/", id), absl::StrCat("datasets delete ", id));
  }
  absl::ReaderMutexLock lock(&blobs_.references());
  RETURN_IF_ERROR(blobs_.CheckPresent({file}, "dataset.file"));
  RETURN_IF_ERROR(Verify({file}, /*again=*/false));
  ASSIGN_OR_RETURN(const DatasetSummary summary,
                   ReadDataset(
                       blobs_.Path(file.sha256), file.path,
                       [](int64_t, const Row&) { return absl::OkStatus(); }, options));
  const Dataset dataset{id,
                        file,
                        summary.FormText(),
                        summary.rows,
                        clock_.Now(),
                        options.max_bad_rows,
                        summary.bad_rows,
                        options.columns,
                        summary.Notes()};
  RETURN_IF_ERROR(commits_.Run(
      [&](Transaction& transaction, Effects&) { return transaction.InsertDataset(dataset); }));
  return dataset;
}

absl::StatusOr<Dataset> Registry::GetDataset(const std::string& id) {
  return ReadOne<Dataset>(store_, [&](Reader& reader) { return reader.GetDataset(id); });
}

absl::StatusOr<Page<Dataset>> Registry::ListDatasets(const PageRequest& page) {
  ASSIGN_OR_RETURN(const int64_t size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string after, DecodePageToken(page.token));
  ASSIGN_OR_RETURN(auto items, ReadOne<std::vector<Dataset>>(store_, [&](Reader& reader) {
                     return reader.ListDatasets(after, size + 1);
                   }));
  return CutPage(std::move(items), size, [](const Dataset& dataset) { return dataset.id; });
}

absl::Status Registry::DeleteDataset(const std::string& id) {
  return commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Dataset dataset, transaction.GetDataset(id));
    RETURN_IF_ERROR(CheckUnused(transaction, ResourceName("datasets", id)));
    effects.dropped = {dataset.file};
    return transaction.DeleteDataset(id);
  });
}

absl::StatusOr<Model> Registry::CreateModel(const std::string& id,
                                            const std::vector<FileEntry>& files) {
  RETURN_IF_ERROR(CheckId(id, "model_id"));
  RETURN_IF_ERROR(CheckFiles(files, "model.files"));
  if (const auto there = GetModel(id); !absl::IsNotFound(there.status())) {
    RETURN_IF_ERROR(there.status());
    if (FilesDigest(there->files) == FilesDigest(files)) {
      RETURN_IF_ERROR(Verify(files, /*again=*/true));
      return there;
    }
    return Taken(absl::StrCat("models/", id), absl::StrCat("models delete ", id));
  }
  absl::ReaderMutexLock lock(&blobs_.references());
  RETURN_IF_ERROR(blobs_.CheckPresent(files, "model.files"));
  RETURN_IF_ERROR(Verify(files, /*again=*/false));
  ASSIGN_OR_RETURN(Model model, InspectModel(blobs_, files));
  model.id = id;
  model.files = files;
  SortByPath(model.files);
  model.size_bytes = TotalBytes(files);
  model.create_time = clock_.Now();
  RETURN_IF_ERROR(commits_.Run(
      [&](Transaction& transaction, Effects&) { return transaction.InsertModel(model); }));
  return model;
}

absl::StatusOr<Model> Registry::GetModel(const std::string& id) {
  return ReadOne<Model>(store_, [&](Reader& reader) { return reader.GetModel(id); });
}

absl::StatusOr<Page<Model>> Registry::ListModels(const PageRequest& page) {
  ASSIGN_OR_RETURN(const int64_t size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string after, DecodePageToken(page.token));
  ASSIGN_OR_RETURN(auto items, ReadOne<std::vector<Model>>(store_, [&](Reader& reader) {
                     return reader.ListModels(after, size + 1);
                   }));
  return CutPage(std::move(items), size, [](const Model& model) { return model.id; });
}

absl::Status Registry::DeleteModel(const std::string& id) {
  return commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Model model, transaction.GetModel(id));
    RETURN_IF_ERROR(CheckUnused(transaction, ResourceName("models", id)));
    effects.dropped = model.files;
    return transaction.DeleteModel(id);
  });
}

absl::StatusOr<Checkpoint> Registry::GetCheckpoint(const CheckpointRef& ref) {
  return ReadOne<Checkpoint>(store_, [&](Reader& reader) {
    return ref.checkpoint_id == "latest" ? LatestCheckpoint(reader, ref.job_id)
                                         : reader.GetCheckpoint(ref.job_id, ref.checkpoint_id);
  });
}

absl::StatusOr<Page<Checkpoint>> Registry::ListCheckpoints(const std::string& job_id,
                                                           const PageRequest& page) {
  ASSIGN_OR_RETURN(const int64_t size, PageSize(page));
  ASSIGN_OR_RETURN(const int64_t before, DecodeOrderToken(page.token));
  const bool all = job_id == "-";
  ASSIGN_OR_RETURN(auto rows,
                   ReadOne<std::vector<CheckpointRow>>(
                       store_, [&](Reader& reader) -> absl::StatusOr<std::vector<CheckpointRow>> {
                         if (!all) RETURN_IF_ERROR(reader.GetJob(job_id).status());
                         return reader.ListCheckpoints({all ? "" : job_id, before, size + 1});
                       }));
  auto cut = CutPage(std::move(rows), size,
                     [](const CheckpointRow& row) { return absl::StrCat(row.order); });
  Page<Checkpoint> result;
  result.next_token = std::move(cut.next_token);
  result.keys = std::move(cut.keys);
  for (CheckpointRow& row : cut.items) result.items.push_back(std::move(row.checkpoint));
  return result;
}

}  // namespace tune::server
