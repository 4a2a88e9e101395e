// A Hugging Face model folder of the trained weights, with where they come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "recipe/model/model_config.h"
#include "run/manifest.h"
#include "worker/trainer/core/tensor_files.h"
#include "worker/trainer/run/lineage.h"

namespace tune::trainer {

struct ExportedModel {
  const ModelConfig* config;
  // The base model's folder, whose other files are copied (recipe/model/model_files.h).
  std::string model_path;
  std::string end_token;  // the text of config->eos_token_id
  // The token with which the model's own chat template closes an answer, where the run learned by
  // it; else -1.
  int64_t turn_end = -1;
  std::vector<NamedTensor> weights;  // by transformers' names, fp32, on the host
  DType dtype;                       // to save them in
  // Weights above this are split into files named by model.safetensors.index.json, none of
  // them larger unless one tensor is; 0: never.
  int64_t shard_bytes = 0;
};

// Writes the model into `dir`, which exists: config.json, generation_config.json, the
// tokenizer's files and chat templates, weights, trainer_state.json, README.md (the model
// card). What the base model has of them but for config.json is copied byte for byte, unless
// generation_config.json or tokenizer_config.json lacks the end token that the replies were
// trained to end with, or the first the one that closes an answer. Where the base model has no chat
// template, chat_template.jinja is the one that the run has learned, and trainer_state.json names
// it in any case. Returns the digests of the weights' files, which are not synced; all else is.
// BadSpec names a weight that is beyond `dtype`'s range.
absl::StatusOr<Digests> ExportModel(const std::string& dir, const ExportedModel& model,
                                    const Lineage& lineage);

// trainer_state.json, with transformers' names.
Json TrainerState(const Lineage& lineage);

}  // namespace tune::trainer
