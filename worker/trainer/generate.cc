#include "worker/trainer/generate.h"

#include <algorithm>

#include "worker/trainer/attention.h"

namespace tune::trainer {

Decoder::Decoder(const PhiModel& model, int64_t capacity) : model_(model) {
  const ModelConfig& config = model.config();
  const auto options =
      at::TensorOptions(model.parameters().type()).device(model.parameters().device());
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::vector<int64_t> shape = {capacity, config.num_key_value_heads, config.head_dim()};
    cache_.push_back({at::empty(shape, options), at::empty(shape, options)});
  }
}

at::Tensor Decoder::Attend(int64_t layer, const at::Tensor& q, const at::Tensor& k,
                           const at::Tensor& v) {
  const int64_t added = k.size(0);
  const LayerCache& cache = cache_[layer];
  cache.keys.narrow(0, length_, added).copy_(k);
  cache.values.narrow(0, length_, added).copy_(v);
  return CachedAttention(q, cache.keys.narrow(0, 0, length_ + added),
                         cache.values.narrow(0, 0, length_ + added));
}

std::vector<float> Decoder::Advance(const std::vector<int32_t>& ids) {
  const c10::NoGradGuard no_grad;
  const auto added = static_cast<int64_t>(ids.size());
  const at::Device device = model_.parameters().device();
  const at::Tensor positions =
      at::arange(length_, length_ + added, at::TensorOptions(at::kLong)).to(device);
  const Rotary rotary = model_.RotaryFor(positions);
  at::Tensor hidden = model_.Embed(at::tensor(ids, at::kInt).to(device, at::kLong));
  for (int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer) {
    const auto attend = [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
      return Attend(layer, q, k, v);
    };
    hidden = model_.Block(layer, hidden, rotary, attend, Dropout());
  }
  length_ += added;
  const at::Tensor last = model_.FinalNorm(hidden.narrow(0, added - 1, 1));
  const at::Tensor logits = model_.Logits(last).to(at::kCPU, at::kFloat).contiguous();
  const float* data = logits.const_data_ptr<float>();
  return {data, data + logits.numel()};
}

std::vector<int32_t> Generate(const PhiModel& model, const std::vector<int32_t>& prompt,
                              const GenerateOptions& options,
                              const std::function<bool(int32_t)>& on_token) {
  const auto room = model.config().max_position_embeddings - static_cast<int64_t>(prompt.size());
  const int64_t limit = std::clamp<int64_t>(options.max_new_tokens, 0, std::max<int64_t>(room, 0));
  Decoder decoder(model, static_cast<int64_t>(prompt.size()) + limit);
  Sampler sampler(options.sampling);
  std::vector<int32_t> history = prompt, produced, next = prompt;
  while (static_cast<int64_t>(produced.size()) < limit) {
    std::vector<float> logits = decoder.Advance(next);
    logits.resize(std::min<size_t>(logits.size(), options.vocabulary));
    const int32_t id = sampler.Next(std::move(logits), history);
    if (id == options.eos) break;
    produced.push_back(id);
    history.push_back(id);
    next = {id};
    if (!on_token(id)) break;
  }
  return produced;
}

}  // namespace tune::trainer
