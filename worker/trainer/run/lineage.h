// Where a trained model comes from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "run/folder.h"

namespace tune::trainer {

// One step's line in trainer_state.json.
struct LogEntry {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;
  double learning_rate = 0;
  double grad_norm = 0;
  bool skipped = false;  // the weights stayed as they were
};

struct DatasetLineage {
  std::string dataset;
  std::string sha256;
  int64_t examples = 0;   // that it has
  int64_t per_epoch = 0;  // of them, as often as they come in one
  // Of the steps so far that were not skipped: examples as often as they came, their tokens, and
  // those of them that count in the loss.
  int64_t learned_rows = 0;
  int64_t learned_tokens = 0;
  int64_t learned_target_tokens = 0;
};

// Where a model comes from, for its card, trainer_state.json and resumable state.
struct Lineage {
  const RunFolder* run;
  // What of the base model a resumed run depends on, its weights being the checkpoint's: the
  // config's fields and its tokenizer's hash.
  Json model;
  std::vector<DatasetLineage> datasets;
  int64_t total_steps = 0;
  std::vector<LogEntry> log;  // of every step so far

  int64_t step() const { return log.empty() ? 0 : log.back().step; }
  double epoch() const { return log.empty() ? 0 : log.back().epoch; }
  // Of the last step that was not skipped; 0 where there is none.
  double loss() const;
  int64_t updates() const;  // steps that were not skipped
};

}  // namespace tune::trainer
