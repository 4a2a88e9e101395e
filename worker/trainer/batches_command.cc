#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/setup.h"

namespace tune::trainer {
namespace {

Json StepRows(const Setup& setup, int64_t step) {
  Json rows = Json::array();
  for (const ExampleRef& ref : setup.order.Batch(step - 1)) {
    const LoadedDataset& dataset = setup.datasets[ref.source];
    const Example& example = dataset.examples[ref.index];
    rows.push_back(
        {{"dataset", dataset.dataset}, {"row", example.row}, {"tokens", example.ids.size()}});
  }
  return {{"step", step}, {"rows", rows}};
}

}  // namespace

absl::Status RunBatches(const std::string& run_dir, int64_t step) {
  ASSIGN_OR_RETURN(const RunFolder run, ReadRunFolder(run_dir));
  ASSIGN_OR_RETURN(const auto setup, ReadSetup(run_dir, run));
  const int64_t last = setup->order.total_steps();
  if (step > last) {
    return absl::InvalidArgumentError(absl::StrCat("--step: the run has ", last, " steps"));
  }
  for (int64_t s = step == 0 ? 1 : step; s <= (step == 0 ? last : step); ++s) {
    const std::string line = DumpJson(StepRows(*setup, s)) + "\n";
    fwrite(line.data(), 1, line.size(), stdout);
  }
  return absl::OkStatus();
}

}  // namespace tune::trainer
