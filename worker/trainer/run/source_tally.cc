#include "worker/trainer/run/source_tally.h"

namespace tune::trainer {
namespace {

// Of a dataset in one step; the loss is summed over its target tokens.
struct Part {
  int64_t target_tokens = 0;
  double loss = 0;
  int64_t rows = 0;
};

std::vector<Part> PartsOf(const Setup& setup, int64_t step_index, const StepResult& result) {
  std::vector<Part> parts(setup.datasets.size());
  const std::vector<ExampleRef> batch = setup.order.Batch(step_index);
  for (size_t slot = 0; slot < batch.size(); ++slot) {
    Part& part = parts[batch[slot].source];
    part.target_tokens += setup.ExampleAt(batch[slot]).target_tokens();
    part.loss += result.losses[slot];
    ++part.rows;
  }
  return parts;
}

}  // namespace

void CountStep(const Setup& setup, int64_t step_index, Lineage* lineage) {
  for (const ExampleRef& ref : setup.order.Batch(step_index)) {
    const Example& example = setup.ExampleAt(ref);
    DatasetLineage& dataset = lineage->datasets[ref.source];
    ++dataset.learned_rows;
    dataset.learned_tokens += static_cast<int64_t>(example.ids.size());
    dataset.learned_target_tokens += example.target_tokens();
  }
}

void CountLog(const Setup& setup, Lineage* lineage) {
  for (const LogEntry& entry : lineage->log) {
    if (!entry.skipped) CountStep(setup, entry.step - 1, lineage);
  }
}

std::vector<SourceStep> SourcesOf(const Setup& setup, int64_t step_index, const StepResult& result,
                                  const Lineage& lineage) {
  std::vector<SourceStep> sources;
  if (setup.datasets.size() < 2) return sources;
  const std::vector<Part> parts = PartsOf(setup, step_index, result);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].rows == 0) continue;
    const DatasetLineage& dataset = lineage.datasets[i];
    sources.push_back({.source = dataset.dataset,
                       .loss = parts[i].loss / static_cast<double>(parts[i].target_tokens),
                       .target_tokens = parts[i].target_tokens,
                       .run_examples = dataset.learned_rows,
                       .run_tokens = dataset.learned_tokens,
                       .run_target_tokens = dataset.learned_target_tokens});
  }
  return sources;
}

}  // namespace tune::trainer
