#include "worker/trainer/parameters.h"

namespace tune::trainer {

Parameters::Parameters(const ModelConfig& config, const at::Device& device, at::ScalarType type)
    : device_(device), type_(type) {
  for (const auto& [name, shape] : ModelTensors(config)) {
    index_[name] = list_.size();
    list_.push_back(
        {name, at::empty(shape, at::TensorOptions(type).device(device)).requires_grad_()});
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
