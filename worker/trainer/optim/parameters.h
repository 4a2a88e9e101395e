// The model's weights: one explicit tensor per parameter, by transformers' names. Some may be
// frozen: gradients, masters and moments are of the trainable ones alone.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "recipe/model/model_config.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/flat_layout.h"

namespace tune::trainer {

// A view of those values.
inline at::Tensor Slice(const at::Tensor& flat, const Range& range) {
  return flat.narrow(0, range.begin, range.size());
}

struct Parameter {
  std::string name;
  // On the device, in the compute type. A trainable one is a leaf that requires grad, and a part
  // of flat(); a frozen one stands alone.
  at::Tensor weight;
  bool trainable = true;
};

// Whether the parameter of a name is trained; empty: all are.
using Trainable = std::function<bool(const std::string& name)>;

// In the order of ModelTensors, which is the order of every list of parameters here:
// gradients, optimizer shards, files.
class Parameters {
 public:
  // Zero weights for `config`, laid out for `ranks` in buckets of about so many values.
  Parameters(const ModelConfig& config, const at::Device& device, at::ScalarType type,
             int64_t ranks = 1, int64_t bucket_values = FlatLayout::kBucketValues,
             const Trainable& trainable = {});

  size_t size() const { return list_.size(); }
  const Parameter& operator[](size_t index) const { return list_[index]; }
  // Whether there is one, and the index of one that must be there.
  bool Has(const std::string& name) const { return index_.contains(name); }
  size_t IndexOf(const std::string& name) const { return index_.at(name); }
  const at::Tensor& Weight(const std::string& name) const { return list_[IndexOf(name)].weight; }

  // Copies `value`, of the weight's shape and any type, into a weight.
  void Set(size_t index, const at::Tensor& value) const;

  // All trainable weights end to end: [layout().size()].
  const at::Tensor& flat() const { return flat_; }
  const FlatLayout& layout() const { return layout_; }

  const at::Device& device() const { return device_; }
  at::ScalarType type() const { return type_; }
  // Values of all parameters, and of the trainable ones.
  int64_t count() const;
  int64_t trainable_count() const;

 private:
  at::Device device_;
  at::ScalarType type_;
  FlatLayout layout_;
  at::Tensor flat_;
  std::vector<Parameter> list_;
  std::map<std::string, size_t> index_;
};

}  // namespace tune::trainer
