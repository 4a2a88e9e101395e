#include "worker/trainer/optim/gradients.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/optim/host_kernels.h"

namespace tune::trainer {
namespace {

int64_t LargestParameter(const Parameters& parameters) {
  int64_t largest = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    largest = std::max(largest, parameters.layout().Parameter(i).size());
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
// their sum's. Memory is used again: fresh pages cost more than what is written to them.
at::Tensor HostGradients::Landing(int64_t bucket) {
  const Range range = layout_.Bucket(bucket);
  if (ranks_.size() == 1) return Slice(shard_, range);
  at::Tensor& open = open_[bucket];
  if (!open.defined()) {
    if (spare_.empty()) spare_.push_back(at::empty({layout_.Bucket(0).size()}, at::kFloat));
    open = spare_.back().zero_();
    spare_.pop_back();
  }
  return open.narrow(0, 0, range.size());
}

at::Tensor HostGradients::Landing(const BucketPiece& piece) {
  return Landing(piece.bucket).narrow(0, piece.bucket_begin, piece.flat.size());
}

void HostGradients::Add(size_t index, const at::Tensor& gradient) {
  const at::Tensor values = ToHost(gradient).flatten();
  const Range range = layout_.Parameter(index);
  for (const BucketPiece& piece : layout_.BucketPieces(range)) {
    const at::Tensor from = values.narrow(0, piece.flat.begin - range.begin, piece.flat.size());
    const at::Tensor to = Landing(piece);
    if (fresh_[index]) {
      to.copy_(from);
    } else {
      to.add_(from);
    }
  }
  fresh_[index] = false;
}

void HostGradients::AddRows(size_t index, const at::Tensor& ids, const at::Tensor& rows) {
  const at::Tensor host_ids = ids.to(at::kCPU), values = rows.to(at::kCPU, at::kFloat);
  const Range range = layout_.Parameter(index);
  for (const BucketPiece& piece : layout_.BucketPieces(range)) {
    if (fresh_[index]) Landing(piece).zero_();
  }
  fresh_[index] = false;
  const int64_t width = values.size(1);
  for (int64_t row = 0; row < values.size(0); ++row) {
    const int64_t begin = range.begin + host_ids.const_data_ptr<int64_t>()[row] * width;
    for (const BucketPiece& piece : layout_.BucketPieces({begin, begin + width})) {
      Landing(piece).add_(values[row].narrow(0, piece.flat.begin - begin, piece.flat.size()));
    }
  }
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
  spare_.push_back(open_.extract(bucket).mapped());
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
