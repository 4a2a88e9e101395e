#include "recipe/model/model_config.h"

namespace tune {

Json GenerationConfigOf(const ModelConfig& config) {
  Json json = {{"_from_model_config", true}, {"eos_token_id", config.eos_token_id}};
  if (config.bos_token_id >= 0) json["bos_token_id"] = config.bos_token_id;
  return json;
}

int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

}  // namespace tune
