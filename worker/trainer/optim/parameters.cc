#include "worker/trainer/optim/parameters.h"
#include "recipe/model/model_family.h"

namespace tune::trainer {
namespace {

bool IsTrainable(const Trainable& trainable, const std::string& name) {
  return !trainable || trainable(name);
}

std::vector<int64_t> TrainableSizes(const ModelConfig& config, const Trainable& trainable) {
  std::vector<int64_t> sizes;
  for (const auto& [name, shape] : ModelTensors(config)) {
    sizes.push_back(IsTrainable(trainable, name) ? ElementCount(shape) : 0);
  }
  return sizes;
}

}  // namespace

Parameters::Parameters(const ModelConfig& config, const at::Device& device, at::ScalarType type,
                       int64_t ranks, int64_t bucket_values, const Trainable& trainable)
    : device_(device),
      type_(type),
      layout_(TrainableSizes(config, trainable), ranks, bucket_values),
      flat_(at::zeros({layout_.size()}, at::TensorOptions(type).device(device))) {
  for (const auto& [name, shape] : ModelTensors(config)) {
    index_[name] = list_.size();
    if (IsTrainable(trainable, name)) {
      // With a version of its own: autograd would take a new weight of another parameter for a
      // change of what a graph has kept.
      const at::Tensor values = Slice(flat_, layout_.Parameter(list_.size()));
      list_.push_back({name, values.view(shape).variable_data().requires_grad_(), true});
    } else {
      list_.push_back({name, at::zeros(shape, flat_.options()), false});
    }
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

int64_t Parameters::trainable_count() const {
  int64_t count = 0;
  for (const Parameter& parameter : list_) {
    if (parameter.trainable) count += parameter.weight.numel();
  }
  return count;
}

}  // namespace tune::trainer
