#include "worker/trainer/optim/parameters.h"

#include <functional>
#include <numeric>

namespace tune::trainer {
namespace {

std::vector<int64_t> Sizes(const ModelConfig& config) {
  std::vector<int64_t> sizes;
  for (const auto& [name, shape] : ModelTensors(config)) {
    sizes.push_back(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()));
  }
  return sizes;
}

}  // namespace

Parameters::Parameters(const ModelConfig& config, const at::Device& device, at::ScalarType type,
                       int64_t ranks, int64_t bucket_values)
    : device_(device),
      type_(type),
      layout_(Sizes(config), ranks, bucket_values),
      flat_(at::zeros({layout_.size()}, at::TensorOptions(type).device(device))) {
  for (const auto& [name, shape] : ModelTensors(config)) {
    index_[name] = list_.size();
    const Range range = layout_.Parameter(list_.size());
    list_.push_back(
        {name, flat_.narrow(0, range.begin, range.size()).view(shape).detach().requires_grad_()});
  }
}

void Parameters::Set(size_t index, const at::Tensor& value) const {
  const c10::NoGradGuard no_grad;
  at::Tensor weight = list_[index].weight;
  weight.copy_(value);
}

int64_t Parameters::count() const {
  int64_t count = 0;
  for (const Parameter& parameter : list_) count += parameter.weight.numel();
  return count;
}

}  // namespace tune::trainer
