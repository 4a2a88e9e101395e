#include "worker/trainer/run/step_rows.h"

namespace tune::trainer {

std::vector<StepRow> StepRows(const Setup& setup, int64_t step_index) {
  std::vector<StepRow> rows;
  for (const ExampleRef& ref : setup.order.Batch(step_index)) {
    const LoadedDataset& dataset = setup.datasets[ref.source];
    const Example& example = dataset.examples[ref.index];
    rows.push_back({dataset.dataset, example.row, static_cast<int64_t>(example.ids.size()),
                    example.target_tokens()});
  }
  return rows;
}

}  // namespace tune::trainer
