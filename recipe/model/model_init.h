// New models with random weights, made without LibTorch: for demos and tests.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "recipe/model/model_config.h"

namespace tune {

// Makes a randomly initialised model folder at `path`, which must not exist: as
// transformers initialises Phi (normal(0, initializer_range) matrices and embeddings,
// zero biases, LayerNorm weight 1), fp32, from `seed`; the same seed gives the same
// bytes. `tokenizer` is the path of a tokenizer.json to copy in.
absl::Status InitModelFolder(const std::string& path, const ModelConfig& config,
                             const std::string& tokenizer, int64_t seed);

}  // namespace tune
