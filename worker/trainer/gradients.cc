#include "worker/trainer/gradients.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/host_kernels.h"

namespace tune::trainer {

HostGradients::HostGradients(const Parameters& parameters) : fresh_(parameters.size(), true) {
  int64_t largest = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    sums_.push_back(at::zeros(parameters[i].weight.sizes(), at::kFloat));
    largest = std::max(largest, sums_.back().numel());
  }
  if (parameters.device().is_cuda()) {
    staging_ = at::empty({largest}, at::TensorOptions(at::kFloat).pinned_memory(true));
  }
}

void HostGradients::Clear() { fresh_.assign(fresh_.size(), true); }

at::Tensor HostGradients::ToHost(const at::Tensor& gradient) {
  if (!staging_.defined()) return gradient;
  const at::Tensor landing = staging_.narrow(0, 0, gradient.numel()).view(gradient.sizes());
  return landing.copy_(gradient);
}

void HostGradients::Add(size_t index, const at::Tensor& gradient) {
  const at::Tensor host = ToHost(gradient);
  if (fresh_[index]) {
    sums_[index].copy_(host);
  } else {
    sums_[index].add_(host);
  }
  fresh_[index] = false;
}

void HostGradients::AddRows(size_t index, const at::Tensor& ids, const at::Tensor& rows) {
  if (fresh_[index]) sums_[index].zero_();
  fresh_[index] = false;
  sums_[index].index_add_(0, ids.to(at::kCPU), rows.to(at::kCPU, at::kFloat));
}

double HostGradients::GlobalNorm() const {
  double squares = 0;
  for (const at::Tensor& sum : sums_) squares += SumOfSquares(sum);
  return std::sqrt(squares);
}

}  // namespace tune::trainer
