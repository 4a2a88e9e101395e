#include "worker/trainer/net/base_model.h"

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {

absl::StatusOr<BaseModel> OpenBaseModel(const std::string& path) {
  auto folder = OpenModelFolder(path);
  if (!folder.ok()) return WithReason(folder.status(), kBadModel);
  const std::string tokenizer_path = JoinPath(path, "tokenizer.json");
  auto tokenizer = Tokenizer::FromFile(tokenizer_path);
  if (!tokenizer.ok()) return WithReason(tokenizer.status(), kBadModel);
  ASSIGN_OR_RETURN(const std::string sha256, Sha256File(tokenizer_path));
  return BaseModel{path, *std::move(folder), *std::move(tokenizer), sha256};
}

}  // namespace tune::trainer
