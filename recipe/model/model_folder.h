// A Hugging Face model folder: config.json, tokenizer.json, and weights in
// model.safetensors or in shards named by model.safetensors.index.json.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/model/model_config.h"
#include "recipe/model/safetensors.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune {

struct ModelFolder {
  ModelConfig config;
  // The type of most weights: all are of a float type, each as its file says.
  DType dtype;
  // The weight files, opened, and for every parameter which of them holds it.
  std::vector<std::unique_ptr<SafetensorsFile>> files;
  std::map<std::string, const SafetensorsFile*> file_of;
  // What a person should know of the folder, a sentence each: tensors passed over, several types,
  // several end tokens.
  std::vector<std::string> notices;

  absl::string_view Data(const std::string& tensor) const;
};

// Opens and checks: config supported; every parameter there once with the config's shape, a float
// type and finite values; no other weight left over; tokenizer.json readable and every token id
// below vocab_size; an end token named by the config or a file beside it. All errors at once,
// naming file and tensor; but of a folder of another kind (an adapter, Git LFS pointers) only
// what it is. INVALID_ARGUMENT for all of these, also where a file is missing; where this host
// could not read one, only that, with the code of base/files.h; NOT_FOUND where there is no such
// folder. Reads all weights, about as fast as memory or disk gives them.
absl::StatusOr<ModelFolder> OpenModelFolder(const std::string& path);

// What it takes to turn texts into tokens as a model's training does.
struct ModelTokens {
  ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;
};

// The same checks but for the weights, of which nothing is read: quick, for a folder that was
// opened before.
absl::StatusOr<ModelTokens> OpenModelTokens(const std::string& path);

}  // namespace tune
