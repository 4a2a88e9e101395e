#include "worker/trainer/net/ops/autograd.h"

#include <torch/csrc/autograd/autograd.h>

namespace tune::trainer {

std::vector<at::Tensor> BackwardThrough(const at::Tensor& output,
                                        const std::vector<at::Tensor>& inputs,
                                        const at::Tensor& output_gradient) {
  return torch::autograd::grad({output}, inputs, {output_gradient});
}

}  // namespace tune::trainer
