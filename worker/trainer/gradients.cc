#include "worker/trainer/gradients.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/host_kernels.h"

namespace tune::trainer {
namespace {

int64_t LargestParameter(const Parameters& parameters) {
  int64_t largest = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    largest = std::max(largest, parameters[i].weight.numel());
  }
  return largest;
}

}  // namespace

HostGradients::HostGradients(const Parameters& parameters, Ranks& ranks)
    : parameters_(parameters),
      layout_(parameters.layout()),
      ranks_(ranks),
      shard_(at::zeros({layout_.shard_size()}, at::kFloat)),
      fresh_(parameters.size(), true),
      unfinished_(layout_.buckets()) {
  if (parameters.device().is_cuda()) {
    staging_ = at::empty({LargestParameter(parameters)},
                         at::TensorOptions(at::kFloat).pinned_memory(true));
  }
}

void HostGradients::Clear() {
  fresh_.assign(fresh_.size(), true);
  first_pass_ = true;
}

at::Tensor HostGradients::ToHost(const at::Tensor& gradient) {
  if (!staging_.defined()) return gradient;
  return staging_.narrow(0, 0, gradient.numel()).view(gradient.sizes()).copy_(gradient);
}

// Where a bucket's gradients add up in a pass: one rank has no need of another place than
// their sum's.
at::Tensor HostGradients::Landing(int64_t bucket) {
  if (ranks_.size() == 1) return Slice(shard_, layout_.Bucket(bucket));
  at::Tensor& open = open_[bucket];
  if (!open.defined()) open = at::zeros({layout_.Bucket(bucket).size()}, at::kFloat);
  return open;
}

void HostGradients::Add(size_t index, const at::Tensor& gradient) {
  const at::Tensor values = ToHost(gradient).flatten();
  const int64_t begin = layout_.Parameter(index).begin;
  for (const BucketPiece& piece : layout_.BucketPieces(layout_.Parameter(index))) {
    const at::Tensor from = values.narrow(0, piece.flat.begin - begin, piece.flat.size());
    const at::Tensor to = Landing(piece.bucket).narrow(0, piece.bucket_begin, piece.flat.size());
    if (fresh_[index]) {
      to.copy_(from);
    } else {
      to.add_(from);
    }
  }
  fresh_[index] = false;
}

void HostGradients::AddRows(size_t index, const at::Tensor& ids, const at::Tensor& rows) {
  const bool in_place = ranks_.size() == 1;
  at::Tensor sums =
      in_place ? (*this)[index] : at::zeros(parameters_[index].weight.sizes(), at::kFloat);
  if (in_place && fresh_[index]) sums.zero_();
  sums.index_add_(0, ids.to(at::kCPU), rows.to(at::kCPU, at::kFloat));
  if (!in_place) Add(index, sums);
  fresh_[index] = false;
}

void HostGradients::Reduce(int64_t bucket) {
  const at::Tensor sums = Landing(bucket);
  ranks_.ReduceScatter(sums);
  const at::Tensor own = sums.narrow(0, ranks_.rank() * layout_.InShard(bucket).size(),
                                     layout_.InShard(bucket).size());
  at::Tensor kept = Slice(shard_, layout_.InShard(bucket));
  if (first_pass_) {
    kept.copy_(own);
  } else {
    kept.add_(own);
  }
  open_.erase(bucket);
}

void HostGradients::Done(size_t index) {
  if (ranks_.size() == 1) return;  // what was added is where it belongs
  const int64_t begin = layout_.Parameter(index).begin;
  while (unfinished_ > 0 && layout_.Bucket(unfinished_ - 1).begin >= begin) Reduce(--unfinished_);
  if (index > 0) return;
  unfinished_ = layout_.buckets();
  first_pass_ = false;
  fresh_.assign(fresh_.size(), true);
}

double HostGradients::Norm() const {
  std::vector<double> squares = {SumOfSquares(shard_)};
  ranks_.Sum(squares);
  return std::sqrt(squares[0]);
}

at::Tensor HostGradients::operator[](size_t index) const {
  return Slice(shard_, layout_.Parameter(index)).view(parameters_[index].weight.sizes());
}

}  // namespace tune::trainer
