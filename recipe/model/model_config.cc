#include "recipe/model/model_config.h"

namespace tune {

Json EndTokensOf(const ModelConfig& config) {
  if (config.eos_token_ids.size() > 1) return config.eos_token_ids;
  return config.eos_token_id < 0 ? Json() : Json(config.eos_token_id);
}

Json GenerationConfigOf(const ModelConfig& config) {
  Json json = {{"_from_model_config", true}, {"eos_token_id", EndTokensOf(config)}};
  if (config.bos_token_id >= 0) json["bos_token_id"] = config.bos_token_id;
  return json;
}

int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

}  // namespace tune
