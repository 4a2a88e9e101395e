#include "worker/trainer/gradients.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/host_kernels.h"

namespace tune::trainer {

HostGradients::HostGradients(const Parameters& parameters)
    : layout_(parameters.layout()),
      flat_(at::zeros({layout_.size()}, at::kFloat)),
      fresh_(parameters.size(), true) {
  int64_t largest = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Range range = layout_.Parameter(i);
    sums_.push_back(flat_.narrow(0, range.begin, range.size()).view(parameters[i].weight.sizes()));
    largest = std::max(largest, range.size());
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

double HostGradients::Reduce(Ranks& ranks) {
  // A rank that had no work has nothing to add.
  for (size_t i = 0; i < sums_.size(); ++i) {
    if (fresh_[i]) sums_[i].zero_();
  }
  std::vector<double> squares = {0};
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    const Range whole = layout_.Bucket(bucket), part = layout_.Part(bucket, ranks.rank());
    ranks.ReduceScatter(flat_.narrow(0, whole.begin, whole.size()));
    squares[0] += SumOfSquares(flat_.narrow(0, part.begin, part.size()));
  }
  ranks.Sum(squares);
  return std::sqrt(squares[0]);
}

}  // namespace tune::trainer
