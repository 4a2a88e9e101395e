#include "worker/trainer/run/device_memory.h"

#include <ATen/DeviceAccelerator.h>

#include <algorithm>

#include "worker/trainer/net/loss.h"

namespace tune::trainer {
namespace {

int64_t LongestExample(const Setup& setup) {
  size_t longest = 0;
  for (const LoadedDataset& dataset : setup.datasets) {
    for (const Example& example : dataset.examples) longest = std::max(longest, example.ids.size());
  }
  return static_cast<int64_t>(longest);
}

// Values that a block's graph keeps for each token, and their gradients: the norm, queries, keys
// and values before and after rotation, attention, both halves of the MLP, and the sums.
int64_t GraphValues(const ModelConfig& config) {
  return 2 * (12 * config.hidden_size + 2 * config.intermediate_size);
}

int64_t BlockParameters(const ModelConfig& config) {
  return 4 * config.hidden_size * config.hidden_size +
         2 * config.hidden_size * config.intermediate_size;
}

int64_t HeadBytes(const ModelConfig& config, int64_t tokens) {
  constexpr int64_t kFp32 = 4, kCopiesOfLogits = 3;  // logits, probabilities, their gradient
  const int64_t chunk = std::min(tokens, LossChunkTokens(config.vocab_size));
  return kFp32 * (kCopiesOfLogits * chunk * config.vocab_size +
                  config.vocab_size * config.hidden_size + 2 * tokens * config.hidden_size);
}

}  // namespace

int64_t PassBytes(const ModelConfig& config, int64_t tokens, int64_t value_bytes, bool recompute) {
  const int64_t graphs = recompute ? 1 : config.num_hidden_layers;
  const int64_t inputs = (config.num_hidden_layers + 1) * config.hidden_size;
  const int64_t per_token = inputs + graphs * GraphValues(config);
  return value_bytes * (tokens * per_token + BlockParameters(config)) + HeadBytes(config, tokens);
}

int64_t ReserveBytes(int64_t device_bytes) { return std::max(int64_t{1} << 30, device_bytes / 20); }

int64_t LargestPassTokens(const Setup& setup) {
  return std::max(setup.spec().micro_batch_tokens, LongestExample(setup));
}

Placement PlaceBySpec(const Setup& setup, const Parameters& parameters) {
  const FlatLayout& layout = parameters.layout();
  if (parameters.device().is_cpu() || layout.ranks() > 1) return {};
  if (setup.spec().offload == "none") return {layout.buckets(), layout.buckets()};
  const auto [free, total] = at::accelerator::getMemoryInfo(parameters.device().index());
  const int64_t pass =
      PassBytes(setup.base.folder.config, LargestPassTokens(setup),
                static_cast<int64_t>(parameters.flat().element_size()), setup.spec().recompute);
  Placement placement = PlaceState(
      layout, static_cast<int64_t>(free) - ReserveBytes(static_cast<int64_t>(total)) - pass);
  if (setup.spec().offload == "host") placement.state = 0;
  return placement;
}

}  // namespace tune::trainer
