#include "worker/trainer/optim/gradients.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>
#include <numeric>

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

// In memory that a GPU copies from and to on its own, where there is one. A piece at a time:
// LibTorch rounds what it locks up to a power of two.
at::Tensor HostBuffer(int64_t values, const at::Device& device) {
  const at::TensorOptions options(at::kFloat);
  return at::zeros({values}, options.pinned_memory(device.is_cuda()));
}

at::Tensor SquareOf(const at::Tensor& sum) {
  return at::linalg_vector_norm(sum, 2, std::nullopt, false, at::kDouble).square_();
}

}  // namespace

Gradients::Gradients(const Parameters& parameters, Ranks& ranks, Lanes& lanes,
                     const Placement& placement)
    : parameters_(parameters),
      layout_(parameters.layout()),
      ranks_(ranks),
      lanes_(lanes),
      placement_(placement),
      on_device_(at::zeros({ValuesOfBuckets(layout_, placement.gradients)},
                           at::TensorOptions(at::kFloat).device(parameters.device()))),
      squares_(layout_.buckets()),
      squares_on_device_(layout_.buckets()),
      fresh_(parameters.size(), true),
      unfinished_(layout_.buckets()) {
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    sums_.push_back(placement.StateOnDevice(bucket)
                        ? Slice(on_device_, layout_.Bucket(bucket))
                        : HostBuffer(layout_.InShard(bucket).size(), parameters.device()));
  }
  if (lanes.apart() && placement.gradients < layout_.buckets()) {
    staging_ = HostBuffer(LargestParameter(parameters), parameters.device());
  }
}

void Gradients::Clear() {
  fresh_.assign(fresh_.size(), true);
  first_pass_ = true;
  last_pass_ = false;
}

void Gradients::Add(size_t index, const at::Tensor& gradient) {
  const Range range = layout_.Parameter(index);
  const int64_t end = std::min(range.end, on_device_.size(0));
  const at::Tensor values = gradient.flatten();
  if (end > range.begin) {
    AddOnDevice({range.begin, end}, values.narrow(0, 0, end - range.begin), fresh_[index]);
  }
  const int64_t rest = std::max(range.begin, end);
  if (rest < range.end) {
    AddOnHost({rest, range.end}, values.narrow(0, rest - range.begin, range.end - rest),
              fresh_[index]);
  }
  fresh_[index] = false;
}

void Gradients::AddOnDevice(const Range& range, const at::Tensor& gradient, bool fresh) {
  const at::Tensor sum = Slice(on_device_, range);
  if (fresh) {
    lanes_.Enqueue(Lane::kCompute, {sum}, [=] { sum.copy_(gradient); });
  } else {
    lanes_.Enqueue(Lane::kCompute, {}, [=] { sum.add_(gradient); });
  }
}

void Gradients::AddOnHost(const Range& range, const at::Tensor& gradient, bool fresh) {
  const at::Tensor values = ToHost(gradient);
  for (const BucketPiece& piece : layout_.BucketPieces(range)) {
    const at::Tensor from = values.narrow(0, piece.flat.begin - range.begin, piece.flat.size());
    const at::Tensor to = Landing(piece);
    if (fresh) {
      to.copy_(from);
    } else {
      to.add_(from);
    }
  }
}

// Waits: the staging place is used again by the next gradient.
at::Tensor Gradients::ToHost(const at::Tensor& gradient) {
  if (!lanes_.apart()) return gradient;
  return staging_.narrow(0, 0, gradient.numel()).copy_(gradient);
}

void Gradients::AddRows(size_t index, const at::Tensor& ids, const at::Tensor& rows) {
  if (layout_.Parameter(index).begin < on_device_.size(0)) {
    AddRowsOnDevice(index, ids, rows);
  } else {
    AddRowsOnHost(index, ids, rows);
  }
}

// In place where the whole parameter is there.
void Gradients::AddRowsOnDevice(size_t index, const at::Tensor& ids, const at::Tensor& rows) {
  const Range range = layout_.Parameter(index);
  const at::IntArrayRef shape = parameters_[index].weight.sizes();
  if (range.end > on_device_.size(0)) {
    return Add(index,
               at::zeros(shape, on_device_.options()).index_add_(0, ids, rows.to(at::kFloat)));
  }
  const at::Tensor sum = Slice(on_device_, range).view(shape);
  if (fresh_[index]) lanes_.Enqueue(Lane::kCompute, {sum}, [=] { sum.zero_(); });
  lanes_.Enqueue(Lane::kCompute, {}, [=] { sum.index_add_(0, ids, rows.to(at::kFloat)); });
  fresh_[index] = false;
}

void Gradients::AddRowsOnHost(size_t index, const at::Tensor& ids, const at::Tensor& rows) {
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

// Where a bucket's gradients add up on the host in a pass: one rank has no need of another place
// than their sum's. Memory is used again: fresh pages cost more than what is written to them.
at::Tensor Gradients::Landing(int64_t bucket) {
  if (ranks_.size() == 1) return sums_[bucket];
  at::Tensor& open = open_[bucket];
  if (!open.defined()) {
    if (spare_.empty()) spare_.push_back(at::empty({layout_.Bucket(0).size()}, at::kFloat));
    open = spare_.back().zero_();
    spare_.pop_back();
  }
  return open.narrow(0, 0, layout_.Bucket(bucket).size());
}

at::Tensor Gradients::Landing(const BucketPiece& piece) {
  return Landing(piece.bucket).narrow(0, piece.bucket_begin, piece.flat.size());
}

void Gradients::Reduce(int64_t bucket) {
  const at::Tensor sums = Landing(bucket);
  ranks_.ReduceScatter(sums);
  const at::Tensor own = sums.narrow(0, ranks_.rank() * layout_.InShard(bucket).size(),
                                     layout_.InShard(bucket).size());
  if (first_pass_) {
    sums_[bucket].copy_(own);
  } else {
    sums_[bucket].add_(own);
  }
  spare_.push_back(open_.extract(bucket).mapped());
}

// The bucket's sum is complete on the device, or on the host. The copy into host memory that the
// last update has read comes after it: the weights which that update made have been waited for.
void Gradients::Leave(int64_t bucket) {
  const at::Tensor sum = sums_[bucket];
  if (placement_.StateOnDevice(bucket)) {
    at::Tensor& square = squares_on_device_[bucket];
    lanes_.Enqueue(Lane::kCompute, {}, [&square, sum] { square = SquareOf(sum); });
    return;
  }
  if (placement_.GradientsOnDevice(bucket)) {
    const at::Tensor from = Slice(on_device_, layout_.Bucket(bucket));
    lanes_.Wait(Lane::kDownload, lanes_.Record(Lane::kCompute));
    lanes_.Enqueue(Lane::kDownload, {sum}, [=] { sum.copy_(from, /*non_blocking=*/true); });
    lanes_.Wait(Lane::kHost, lanes_.Record(Lane::kDownload));
  }
  double& square = squares_[bucket];
  lanes_.Enqueue(Lane::kHost, {}, [&square, sum] { square = SumOfSquares(sum); });
}

void Gradients::Done(size_t index) {
  const int64_t begin = layout_.Parameter(index).begin;
  while (unfinished_ > 0 && layout_.Bucket(unfinished_ - 1).begin >= begin) {
    const int64_t bucket = --unfinished_;
    if (ranks_.size() > 1) Reduce(bucket);
    if (last_pass_) Leave(bucket);
  }
  if (index > 0) return;
  unfinished_ = layout_.buckets();
  first_pass_ = false;
  if (ranks_.size() > 1) fresh_.assign(fresh_.size(), true);
}

double Gradients::Norm() {
  lanes_.Await(lanes_.Record(Lane::kHost));
  lanes_.Await(lanes_.Record(Lane::kCompute));
  std::vector<double> squares = squares_;
  for (int64_t bucket = 0; bucket < placement_.state; ++bucket) {
    squares[bucket] = squares_on_device_[bucket].item<double>();
  }
  std::vector<double> total = {std::accumulate(squares.begin(), squares.end(), 0.0)};
  ranks_.Sum(total);
  return std::sqrt(total[0]);
}

at::Tensor Gradients::operator[](size_t index) const {
  std::vector<at::Tensor> pieces;
  for (const BucketPiece& piece : layout_.BucketPieces(layout_.Parameter(index))) {
    pieces.push_back(
        sums_[piece.bucket].narrow(0, piece.bucket_begin, piece.flat.size()).to(at::kCPU));
  }
  return at::cat(pieces).view(parameters_[index].weight.sizes());
}

}  // namespace tune::trainer
