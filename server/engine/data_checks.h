// What a job would learn from its data, found before it is queued: each dataset is read and
// tokenized as the trainer does, once for all jobs that ask the same of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "recipe/data/data_report.h"
#include "run/spec.h"
#include "server/core/data_use.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/running_checks.h"
#include "server/store/store.h"

namespace tune::server {

// What a spec's datasets give, and what a person should know of it.
struct DataFindings {
  std::vector<DataUse> data;          // in the spec's order
  std::vector<std::string> warnings;  // a sentence each
};

// How far a check is with one of the datasets.
struct DataProgress {
  std::string dataset;     // "datasets/NAME"
  int64_t rows = 0;        // read so far
  int64_t total_rows = 0;  // as it was pushed; with other columns there may be more or fewer
};

// Thread-safe. A check of what has not been asked before reads whole datasets and may take
// minutes: not on a thread that others wait for.
class DataChecks {
 public:
  // Is called for each row that is read, and several times a second while another check reads the
  // same; its error ends the check, and is returned.
  using OnProgress = std::function<absl::Status(const DataProgress&)>;

  // Larger files are left to the trainer, which a warning says. About two minutes of one core for
  // either kind of template.
  static int64_t MaxFileBytes(const RunSpec& spec);

  DataChecks(Store& store, BlobStore& blobs, Commits& commits)
      : store_(store), blobs_(blobs), commits_(commits) {}

  // `spec` names what is there and its columns are filled in. What it evaluates on is looked at
  // too, as far as it is evaluated on. INVALID_ARGUMENT with the field "datasets[1].dataset", or
  // "eval.dataset", where rows are too long under the policy "error", none is left to
  // learn from, or more cannot be used than it may have (malformed for the spec's columns, or
  // refused by the model's chat template); it names the first rows. With the field "template" where
  // the model has no chat template that is asked for.
  absl::StatusOr<DataFindings> Check(const RunSpec& spec, const OnProgress& on_progress);
  // What Check would find, where it would read no dataset: all were looked through before.
  absl::StatusOr<std::optional<DataFindings>> FindKnown(const RunSpec& spec);

 private:
  struct Source;
  struct Inputs;
  static std::vector<Source> SourcesOf(const RunSpec& spec);
  absl::StatusOr<Inputs> ReadInputs(const RunSpec& spec);
  absl::Status CheckTemplate(const RunSpec& spec, const Model& model);
  // By the report of each source that is not too large.
  absl::StatusOr<DataFindings> Judge(
      const RunSpec& spec, const Inputs& inputs,
      absl::FunctionRef<absl::StatusOr<DataReport>(const Source&)> report_of);
  absl::StatusOr<DataReport> Report(const RunSpec& spec, const Model& model, const Source& source,
                                    const OnProgress& on_progress);
  absl::StatusOr<DataReport> FindOrCompute(const RunSpec& spec, const Model& model,
                                           const Source& source,
                                           const RunningChecks::OnRows& on_rows);
  absl::StatusOr<DataReport> Compute(const RunSpec& spec, const Model& model, const Source& source,
                                     const RunningChecks::OnRows& on_rows);
  absl::StatusOr<std::optional<DataReport>> Find(const std::string& key);

  Store& store_;
  BlobStore& blobs_;
  Commits& commits_;
  RunningChecks running_;
};

}  // namespace tune::server
