#include "recipe/plan/memory_plan.h"

#include <algorithm>

#include "recipe/model/model_family.h"

namespace tune {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kFp32 = 4;

// A chunk of the head's fp32 logits (worker/trainer/net/loss.h).
constexpr int64_t kLogitsChunkBytes = 128 * kMiB;

// Values that a block's graph keeps for each token, and their gradients: the norm, queries, keys
// and values before and after rotation, attention, both halves of the MLP, and the sums.
int64_t GraphValues(const ModelConfig& config) {
  return 2 * (12 * config.hidden_size + 2 * config.intermediate_size);
}

int64_t BlockParameters(const ModelConfig& config) {
  return 4 * config.hidden_size * config.hidden_size +
         2 * config.hidden_size * config.intermediate_size;
}

int64_t HeadBytes(const MemoryInputs& inputs) {
  const ModelConfig& config = inputs.config;
  constexpr int64_t kCopiesOfLogits = 3;  // logits, probabilities, their gradient
  const int64_t logits =
      std::min(kFp32 * inputs.pass_tokens * config.vocab_size, kLogitsChunkBytes);
  return kCopiesOfLogits * logits + kFp32 * config.vocab_size * config.hidden_size +
         2 * kFp32 * inputs.pass_tokens * config.hidden_size;
}

// An example is its ids and which of them are targets, in two arrays of its own, and where it came
// from; a tokenizer is tables of its vocabulary.
int64_t DataBytes(const MemoryInputs& inputs) {
  constexpr int64_t kBytesPerToken = 5, kBytesPerExample = 160, kBytesPerTokenizerEntry = 400;
  return kBytesPerToken * inputs.data_tokens + kBytesPerExample * inputs.examples +
         kBytesPerTokenizerEntry * inputs.vocabulary;
}

DeviceMemory PlanDevice(const MemoryInputs& inputs, int64_t values) {
  DeviceMemory device;
  device.weights = inputs.value_bytes * values;
  device.pass = PassBytes(inputs);
  device.reserve = ReserveBytes(inputs.device_bytes);
  if (inputs.ranks > 1) return device;  // their sums are made on the host
  DeviceShare share = ShareOf(values, inputs.device_bytes - device.total());
  if (inputs.offload == "host") share.state_values = 0;
  if (inputs.offload == "none") share = {values, values};
  device.gradients = kGradientBytes * share.gradient_values;
  device.state = kStateBytes * share.state_values;
  return device;
}

// Whatever the device does not hold. fp32 weights on a CPU of one rank are their own masters.
HostMemory PlanHost(const MemoryInputs& inputs, const DeviceMemory& device, int64_t values) {
  constexpr int64_t kProgram = 150 * kMiB, kProgramOnDevice = 3000 * kMiB;
  HostMemory host;
  host.programs = inputs.ranks * (inputs.has_device ? kProgramOnDevice : kProgram);
  host.data = inputs.ranks * DataBytes(inputs);
  host.state = kStateBytes * values - device.state;
  host.gradients = kGradientBytes * values - device.gradients;
  if (inputs.has_device) return host;
  const bool shared = inputs.value_bytes == kFp32 && inputs.ranks == 1;
  host.weights = shared ? 0 : inputs.ranks * inputs.value_bytes * values;
  host.pass = inputs.ranks * PassBytes(inputs);
  return host;
}

}  // namespace

DeviceShare ShareOf(int64_t values, int64_t bytes) {
  const auto fitting = [&](int64_t value_bytes, int64_t room) {
    return std::clamp<int64_t>(room / value_bytes, 0, values);
  };
  DeviceShare share;
  share.gradient_values = fitting(kGradientBytes, bytes);
  if (share.gradient_values < values) return share;
  share.state_values = fitting(kStateBytes, bytes - kGradientBytes * values);
  return share;
}

int64_t PassBytes(const MemoryInputs& inputs) {
  const ModelConfig& config = inputs.config;
  const int64_t graphs = inputs.recompute ? 1 : config.num_hidden_layers;
  const int64_t block_inputs = (config.num_hidden_layers + 1) * config.hidden_size;
  const int64_t per_token = block_inputs + graphs * GraphValues(config);
  return inputs.value_bytes * (inputs.pass_tokens * per_token + BlockParameters(config)) +
         HeadBytes(inputs);
}

int64_t ReserveBytes(int64_t device_bytes) { return std::max(1024 * kMiB, device_bytes / 20); }

MemoryPlan PlanMemory(const MemoryInputs& inputs) {
  const int64_t values = ParameterCount(inputs.config);
  MemoryPlan plan;
  if (inputs.has_device) plan.device = PlanDevice(inputs, values);
  plan.host = PlanHost(inputs, plan.device, values);
  plan.final_bytes = inputs.saved_value_bytes * values;
  plan.checkpoint_bytes = plan.final_bytes + kStateBytes * values;
  return plan;
}

}  // namespace tune
