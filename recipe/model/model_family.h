// The families of models that Tune trains, one row each: how a family's config.json is read and
// what parameters it has. How it computes is worker/trainer/net's (network.h there).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "recipe/model/model_config.h"

namespace tune {

struct ModelFamily {
  absl::string_view name;          // model_type in config.json
  absl::string_view title;         // for people
  absl::string_view architecture;  // the one entry of config.json's architectures
  absl::string_view body;          // its class without a head, which some configs name there
  // What model_type was in files that only the authors' own code reads.
  absl::Span<const absl::string_view> former_names;
  // Reads and checks what the family's config.json holds; every error is added.
  void (*read_config)(const Json& json, FieldErrors* errors, ModelConfig* config);
  // Sets in `json` what transformers reads as this config.
  void (*write_config)(const ModelConfig& config, Json* json);
  // Every parameter by transformers' name, in the order in which a forward pass meets them.
  std::vector<NamedShape> (*tensors)(const ModelConfig& config);
  absl::string_view head;       // the tensor that tie_word_embeddings makes one with
  absl::string_view embedding;  // this one
};

absl::Span<const ModelFamily> ModelFamilies();

// Checks and reads a config.json. Whatever the trainer does not do exactly as
// transformers would (another architecture or activation, rope scaling, …) is refused,
// all errors at once, each named by its field.
absl::StatusOr<ModelConfig> ModelConfigFromJson(const Json& json);

// A config.json that transformers reads as this config: the source, and what it lacks.
Json ModelConfigToJson(const ModelConfig& config);

// Every parameter by transformers' name ("model.layers.0.self_attn.q_proj.weight"), in the
// order in which a forward pass meets them, layer by layer. With tied embeddings
// lm_head.weight is not among them; lm_head.bias is.
std::vector<NamedShape> ModelTensors(const ModelConfig& config);

// Tensors that are one where config.json ties them: `name` is then no parameter of its own.
struct TiedTensor {
  std::string name;
  std::string twin;
};
std::optional<TiedTensor> TiedHead(const ModelConfig& config);

int64_t ParameterCount(const ModelConfig& config);

// The family of a config that was read, or made in memory for a family of the table.
const ModelFamily& FamilyOf(const ModelConfig& config);

}  // namespace tune
