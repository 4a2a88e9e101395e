// Gradients of one optimizer step, accumulated in fp32 in host memory, each rank holding its
// shard of them (ZeRO-2: Rajbhandari et al., arXiv:1910.02054). A pass works its way from the
// last parameter to the first; buckets leave it as soon as they are whole.
#pragma once

#include <map>
#include <vector>

#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/ranks.h"

namespace tune::trainer {

class HostGradients {
 public:
  // `parameters` and `ranks` must outlive this.
  HostGradients(const Parameters& parameters, Ranks& ranks);

  // Starts a step: what is there is forgotten.
  void Clear();
  // Adds a device gradient of the parameter's shape. Only trainable parameters have gradients.
  void Add(size_t index, const at::Tensor& gradient);
  // Adds rows [n, width] to the rows `ids` [n] of a [rows, width] parameter: an
  // embedding's gradient without its zeros.
  void AddRows(size_t index, const at::Tensor& ids, const at::Tensor& rows);
  // Says that this pass will add no more to the parameters from `index` on. Over several
  // ranks their buckets are summed now, and each rank keeps its part: every rank makes the
  // same calls, adding nothing where it has no work. 0 ends the pass.
  void Done(size_t index);

  // L2 norm over all ranks, in fp64 and in an order that does not depend on the number of
  // threads.
  double Norm() const;

  // This rank's sums, fp32: [layout.shard_size()].
  const at::Tensor& shard() const { return shard_; }
  // The sum of a trainable parameter, of its shape; of a run of one rank only.
  at::Tensor operator[](size_t index) const;

 private:
  at::Tensor ToHost(const at::Tensor& gradient);
  at::Tensor Landing(int64_t bucket);
  at::Tensor Landing(const BucketPiece& piece);
  void Reduce(int64_t bucket);

  const Parameters& parameters_;
  const FlatLayout& layout_;
  Ranks& ranks_;
  at::Tensor shard_;
  // Whether a parameter's landing place holds nothing of its own yet.
  std::vector<bool> fresh_;
  // Several ranks: sums of this pass in buckets that are not whole yet, how many buckets are
  // still to be, and whether an earlier pass of the step is in the shard.
  std::map<int64_t, at::Tensor> open_;
  std::vector<at::Tensor> spare_;  // of the largest bucket's size
  int64_t unfinished_;
  bool first_pass_ = true;
  // Page-locked landing place for gradients from a GPU; undefined on a CPU.
  at::Tensor staging_;
};

}  // namespace tune::trainer
