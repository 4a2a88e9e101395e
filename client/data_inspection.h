// A dataset and a model brought together on this machine, so that rows can be looked at as a job
// would learn them, before anything is queued.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/data_file.h"
#include "client/temporary_folder.h"
#include "recipe/data/dataset.h"
#include "recipe/data/example.h"
#include "recipe/data/example_limit.h"
#include "recipe/model/model_folder.h"
#include "run/spec.h"

namespace tune::client {

// What is to be looked at, and by what settings.
struct InspectionRequest {
  std::string data;      // a file, "-", or the name of a pushed dataset
  std::string model;     // a folder here, or the name of a pushed model
  RunSpec spec;          // a job file's settings and those of flags; its model is not looked at
  Columns columns = {};  // empty: the job's, else the dataset's own
};

// What is fetched from the scheduler lies in a folder of its own, which goes with the object.
class Inspection {
 public:
  // INVALID_ARGUMENT or NOT_FOUND where data or model cannot be had.
  static absl::StatusOr<std::unique_ptr<Inspection>> Open(Context& context,
                                                          const InspectionRequest& request);

  const std::string& path() const { return file_->path(); }   // of the data's file
  const std::string& name() const { return file_->name(); }   // of it, in errors
  const DatasetOptions& options() const { return options_; }  // malformed rows are all skipped
  const ExampleFormat& format() const { return *format_; }
  const LengthLimit& limit() const { return limit_; }
  const RunSpec& spec() const { return spec_; }
  const Tokenizer& tokenizer() const { return *model_.tokenizer; }

 private:
  explicit Inspection(TemporaryFolder folder) : folder_(std::move(folder)) {}
  absl::Status OpenModel(Context& context, const std::string& model);
  absl::Status OpenData(Context& context, const InspectionRequest& request);

  const TemporaryFolder folder_;  // of the model, where it was fetched
  std::string model_folder_;
  std::optional<DataFile> file_;
  DatasetOptions options_;
  ModelTokens model_;
  std::unique_ptr<ExampleFormat> format_;
  LengthLimit limit_;
  RunSpec spec_;
};

}  // namespace tune::client
