#include "client/data_inspection.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "client/fetch.h"
#include "client/resource_names.h"
#include "recipe/data/chat_example.h"
#include "recipe/data/row_drawing.h"
#include "run/folder.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// How a job file uses this dataset.
DatasetSource SourceInJob(const RunSpec& spec, const std::string& dataset) {
  const auto source = std::find_if(spec.datasets.begin(), spec.datasets.end(),
                                   [&](const DatasetSource& s) { return s.dataset == dataset; });
  return source == spec.datasets.end() ? DatasetSource() : *source;
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
  ASSIGN_OR_RETURN(ExampleFormat format,
                   ExampleFormatOf(spec, {*inspection->model_.tokenizer, config.eos_token_id,
                                          inspection->model_folder_, TrainingDate()}));
  ASSIGN_OR_RETURN(format.drawing,
                   ReadRowDrawing(spec, SourceInJob(spec, DatasetName(request.data)),
                                  inspection->path(), inspection->name(), inspection->options()));
  inspection->format_ = std::make_unique<ExampleFormat>(format);
  inspection->spec_ = spec;
  inspection->limit_ = LimitOf(spec, config.max_position_embeddings);
  return inspection;
}

absl::Status Inspection::OpenData(Context& context, const InspectionRequest& request) {
  ASSIGN_OR_RETURN(DataFile file, DataFile::OpenOrFetch(context, request.data));
  options_ = {request.columns, kMaxBadRows};
  Columns& columns = options_.columns;
  if (columns.empty()) {
    columns = SourceInJob(request.spec, DatasetName(request.data)).columns;
  }
  if (columns.empty()) columns = file.columns();
  file_.emplace(std::move(file));
  return absl::OkStatus();
}

absl::Status Inspection::OpenModel(Context& context, const std::string& model) {
  std::string& folder = model_folder_ = model;
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
      RETURN_IF_ERROR(FetchFile(context, file, path));
    }
  }
  ASSIGN_OR_RETURN(model_, OpenModelTokens(folder));
  return absl::OkStatus();
}

}  // namespace tune::client
