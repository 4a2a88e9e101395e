// The model folder that a run or a generation starts from.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "recipe/model/model_folder.h"
#include "recipe/tokenizer/tokenizer.h"

namespace tune::trainer {

// A base model, opened.
struct BaseModel {
  std::string path;
  ModelFolder folder;
  std::unique_ptr<Tokenizer> tokenizer;
  std::string tokenizer_sha256;
};

// BadModel where anything about the folder's content is wrong. No such folder, and a file that this
// host cannot read, is no fault of the model (worker/trainer/core/failure.h).
absl::StatusOr<BaseModel> OpenBaseModel(const std::string& path);

}  // namespace tune::trainer
