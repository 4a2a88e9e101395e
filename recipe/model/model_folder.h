// A Hugging Face model folder: config.json, tokenizer.json, and weights in
// model.safetensors or in shards named by model.safetensors.index.json.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "recipe/model/model_family.h"
#include "recipe/model/safetensors.h"

namespace tune {

struct ModelFolder {
  ModelConfig config;
  // The weights' type, one for all parameters.
  DType dtype;
  // The weight files, opened, and for every parameter which of them holds it.
  std::vector<std::unique_ptr<SafetensorsFile>> files;
  std::map<std::string, const SafetensorsFile*> file_of;

  absl::string_view Data(const std::string& tensor) const;
};

// Opens and checks: config supported; every parameter there once with the config's
// shape and one float type; no tensor left over; tokenizer.json readable and every
// token id below vocab_size; an end token named by the config or a file beside it. All errors at
// once, naming file and tensor.
absl::StatusOr<ModelFolder> OpenModelFolder(const std::string& path);

// The files of a folder that make up a model, relative, sorted: config.json,
// generation_config.json, the weights with their index, and the tokenizer's files.
// NOT_FOUND names a missing one that must be there.
absl::StatusOr<std::vector<std::string>> ModelFiles(const std::string& path);

}  // namespace tune
