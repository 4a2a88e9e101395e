#include "client/data_inspection.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "client/resource_names.h"
#include "proto/wire/blobs.h"
#include "run/folder.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

absl::Status Fetch(Context& context, const v1::FileEntry& file, const std::string& path) {
  ASSIGN_OR_RETURN(const auto channel, context.Connect());
  return BlobClient(channel).Download(file.sha256(), file.size_bytes(), path);
}

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// The columns that a job file gives this dataset.
Columns ColumnsInJob(const RunSpec& spec, const std::string& dataset) {
  const auto source = std::find_if(spec.datasets.begin(), spec.datasets.end(),
                                   [&](const DatasetSource& s) { return s.dataset == dataset; });
  return source == spec.datasets.end() ? Columns() : source->columns;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Inspection>> Inspection::Open(Context& context,
                                                             const InspectionRequest& request) {
  ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::Make());
  std::unique_ptr<Inspection> inspection(new Inspection(std::move(folder)));
  RETURN_IF_ERROR(inspection->OpenData(context, request));
  RETURN_IF_ERROR(inspection->OpenModel(context, request.model));
  const RunSpec& spec = request.spec;
  const ModelConfig& config = inspection->model_.config;
  ASSIGN_OR_RETURN(const ExampleFormat format,
                   ExampleFormatOf(spec, *inspection->model_.tokenizer, config.eos_token_id));
  inspection->format_ = std::make_unique<ExampleFormat>(format);
  inspection->limit_ = LimitOf(spec, config.max_position_embeddings);
  return inspection;
}

absl::Status Inspection::OpenData(Context& context, const InspectionRequest& request) {
  options_ = {request.columns, kMaxBadRows};
  const std::string dataset_name = DatasetName(request.data);
  if (options_.columns.empty()) options_.columns = ColumnsInJob(request.spec, dataset_name);
  if (request.data == DataFile::kStandardInput || Exists(request.data)) {
    ASSIGN_OR_RETURN(DataFile file, DataFile::Open(context, request.data));
    file_.emplace(std::move(file));
    path_ = file_->path();
    name_ = file_->name();
    return absl::OkStatus();
  }
  v1::GetDatasetRequest get;
  get.set_name(dataset_name);
  const auto dataset = context.Call(&v1::DatasetService::Stub::GetDataset, get);
  if (absl::IsNotFound(dataset.status())) {
    return absl::NotFoundError(
        absl::StrCat(request.data, ": is no file here, and there is no ", get.name()));
  }
  RETURN_IF_ERROR(dataset.status());
  if (options_.columns.empty()) {
    options_.columns = {dataset->columns().begin(), dataset->columns().end()};
  }
  name_ = dataset->file().path();
  path_ = folder_ / "data";
  return Fetch(context, dataset->file(), path_);
}

absl::Status Inspection::OpenModel(Context& context, const std::string& model) {
  std::string folder = model;
  if (!IsFolder(folder)) {
    v1::GetModelRequest get;
    get.set_name(ModelName(model));
    ASSIGN_OR_RETURN(const v1::Model found, context.Call(&v1::ModelService::Stub::GetModel, get));
    folder = folder_ / "model";
    RETURN_IF_ERROR(CreateDirectories(folder));
    for (const v1::FileEntry& file : found.files()) {
      if (absl::EndsWith(file.path(), ".safetensors")) continue;
      const std::string path = JoinPath(folder, file.path());
      RETURN_IF_ERROR(CreateDirectories(std::filesystem::path(path).parent_path()));
      RETURN_IF_ERROR(Fetch(context, file, path));
    }
  }
  ASSIGN_OR_RETURN(model_, OpenModelTokens(folder));
  return absl::OkStatus();
}

}  // namespace tune::client
