// Small random models and examples for the trainer's tests.
#pragma once

#include <string>
#include <vector>

#include "recipe/data/example.h"
#include "recipe/model/model_config.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/net/dropout.h"
#include "worker/trainer/net/make_network.h"
#include "worker/trainer/net/micro_batch.h"
#include "worker/trainer/net/network.h"
#include "worker/trainer/optim/lanes.h"
#include "worker/trainer/optim/parameters.h"

namespace tune::trainer {

inline ModelConfig TinyConfig() {
  ModelConfig config;
  config.vocab_size = 97;
  config.hidden_size = 40;
  config.intermediate_size = 64;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 4;
  config.max_position_embeddings = 64;
  config.partial_rotary_factor = 0.4;
  config.eos_token_id = 96;
  return config;
}

// [shape] normal numbers from `seed`.
inline at::Tensor RandomTensor(at::IntArrayRef shape, uint64_t seed) {
  return at::empty(shape, at::kFloat).normal_(0, 1, SeededGenerator(at::kCPU, seed));
}

// A model whose every parameter is random, biases and norms too, so that a wrong one shows.
struct TinyModel {
  // Several ranks share it in buckets smaller than a layer, as they do a model of usual size.
  explicit TinyModel(const ModelConfig& config, at::ScalarType type = at::kFloat, int64_t ranks = 1,
                     const Trainable& trainable = {}, const at::Device& device = at::kCPU)
      : parameters(config, device, type, ranks,
                   ranks > 1 ? kSmallBucket : FlatLayout::kBucketValues, trainable),
        network(MakeNetwork(config, parameters)) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor noise = RandomTensor(parameters[i].weight.sizes(), i + 1) * 0.2;
      parameters.Set(i, parameters[i].name.ends_with("layernorm.weight") ? noise + 1 : noise);
    }
  }

  static constexpr int64_t kSmallBucket = 3000;
  Parameters parameters;
  const std::unique_ptr<Lanes> lanes = InTurn(/*apart=*/false);
  const std::unique_ptr<Network> network;
  const Network& model = *network;
};

// Pseudo-random ids; the first `prompt` of them are no targets.
inline Example RandomExample(int64_t length, int64_t prompt, uint64_t seed, int32_t vocab = 97) {
  Example example;
  for (int64_t t = 0; t < length; ++t) {
    example.ids.push_back(static_cast<int32_t>(MixSeed(seed, t) % vocab));
    example.target.push_back(t >= prompt && t > 0 ? 1 : 0);
  }
  return example;
}

// All of `examples` in one micro-batch, slots from `first_slot`.
inline MicroBatch BatchOf(const std::vector<Example>& examples, int64_t first_slot = 0,
                          const at::Device& device = at::kCPU) {
  std::vector<BatchItem> items;
  for (size_t i = 0; i < examples.size(); ++i) {
    items.push_back({&examples[i], first_slot + static_cast<int64_t>(i)});
  }
  return MakeMicroBatch(items, device);
}

// Largest difference, relative to the largest magnitude in `expected`.
inline double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  const c10::NoGradGuard no_grad;
  const at::Tensor exact = expected.to(at::kDouble);
  const double scale = exact.abs().max().item<double>();
  const double difference = (actual.to(at::kDouble) - exact).abs().max().item<double>();
  return scale == 0 ? difference : difference / scale;
}

}  // namespace tune::trainer
