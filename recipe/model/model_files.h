// The one list of the files that make up a model: what is pushed, and what an exported model gets
// of its base model. It has every file that transformers' loaders of a causal language model and
// of its tokenizer read.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune {

inline constexpr char kConfigFile[] = "config.json";
inline constexpr char kTokenizerFile[] = "tokenizer.json";
inline constexpr char kAdapterConfigFile[] = "adapter_config.json";

// The files of the folder `path` that belong to the model, relative, sorted: config.json, the
// weights with their index, and whatever is there of the tokenizer's files, the chat templates
// and generation_config.json. NOT_FOUND names a missing one that must be there.
absl::StatusOr<std::vector<std::string>> ModelFiles(const std::string& path);

// Those of them that an export copies byte for byte: all but config.json and the weights.
absl::StatusOr<std::vector<std::string>> CopiedModelFiles(const std::string& path);

// What else lies in the folder and is not pushed: names of files and, with "/" at the end,
// folders, sorted. Hidden ones are left out.
std::vector<std::string> OtherFiles(const std::string& path);

// Files of the model that are Git LFS pointers, and so are not here.
std::vector<std::string> PointersAmongModelFiles(const std::string& path);

}  // namespace tune
