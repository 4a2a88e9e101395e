#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/json_number.h"
#include "base/status.h"
#include "worker/trainer/run/batch_log.h"
#include "worker/trainer/run/batches_command.h"
#include "worker/trainer/run/setup.h"
#include "worker/trainer/run/step_rows.h"

namespace tune::trainer {
namespace {

absl::StatusOr<Json> DescribeStep(const Setup& setup, int64_t step, const BatchRecord* record) {
  const std::vector<StepRow> rows = StepRows(setup, step - 1);
  if (record != nullptr && record->losses.size() != rows.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        kBatchesFile, ": step ", step, " has ", record->losses.size(), " losses, its batch has ",
        rows.size(), " rows; run.json or the data is not what was trained on"));
  }
  Json described = Json::array();
  for (size_t i = 0; i < rows.size(); ++i) {
    described.push_back(
        {{"dataset", rows[i].dataset}, {"row", rows[i].row}, {"tokens", rows[i].tokens}});
    if (record != nullptr) described.back()["loss"] = JsonNumber(record->losses[i]);
  }
  Json json = {{"step", step}, {"rows", std::move(described)}};
  if (record != nullptr && record->skipped) json["skipped"] = true;
  return json;
}

}  // namespace

absl::Status RunBatches(const std::string& run_dir, int64_t step) {
  ASSIGN_OR_RETURN(const RunFolder run, ReadRunFolder(run_dir));
  ASSIGN_OR_RETURN(const auto setup, ReadSetup(run_dir, run));
  ASSIGN_OR_RETURN(const auto records, ReadBatchLog(JoinPath(run_dir, kBatchesFile)));
  const int64_t last = setup->order.total_steps();
  if (step > last) {
    return absl::InvalidArgumentError(absl::StrCat("--step: the run has ", last, " steps"));
  }
  for (int64_t s = step == 0 ? 1 : step; s <= (step == 0 ? last : step); ++s) {
    const auto record = records.find(s);
    ASSIGN_OR_RETURN(const Json json,
                     DescribeStep(*setup, s, record == records.end() ? nullptr : &record->second));
    const std::string line = DumpJson(json) + "\n";
    fwrite(line.data(), 1, line.size(), stdout);
  }
  return absl::OkStatus();
}

}  // namespace tune::trainer
