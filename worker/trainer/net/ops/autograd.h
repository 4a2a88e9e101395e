// torch::autograd::grad behind a declaration, so that only one file reads its headers.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace tune::trainer {

// Gradients of `output` with respect to `inputs`, given those with respect to `output`.
// Every input must have been used; the graph is freed.
std::vector<at::Tensor> BackwardThrough(const at::Tensor& output,
                                        const std::vector<at::Tensor>& inputs,
                                        const at::Tensor& output_gradient);

}  // namespace tune::trainer
