// A Hugging Face model folder of the trained weights, with where they come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/json.h"
#include "recipe/model_config.h"
#include "recipe/run_folder.h"
#include "worker/trainer/tensor_files.h"

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
  double weight = 1;
  int64_t examples = 0;
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

struct ExportedModel {
  const ModelConfig* config;
  // The base model's folder, whose tokenizer files are copied.
  std::string model_path;
  std::string end_token;             // the text of config->eos_token_id
  std::vector<NamedTensor> weights;  // by transformers' names, fp32, on the host
  DType dtype;                       // to save them in
  // Weights above this are split into files named by model.safetensors.index.json, none of
  // them larger unless one tensor is; 0: never.
  int64_t shard_bytes = 0;
};

// Writes the model into `dir`, which exists: config.json, generation_config.json, the
// tokenizer's files, weights, trainer_state.json, README.md (the model card). The base
// model's generation_config.json and tokenizer_config.json are copied as they are, unless
// they name another end token than the replies were trained to end with. Every file
// is synced. BadSpec names a weight that is beyond `dtype`'s range.
absl::Status ExportModel(const std::string& dir, const ExportedModel& model,
                         const Lineage& lineage);

// trainer_state.json, with transformers' names.
Json TrainerState(const Lineage& lineage);

}  // namespace tune::trainer
