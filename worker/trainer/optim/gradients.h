// Gradients of one optimizer step, accumulated in fp32, each rank holding its shard of them
// (ZeRO-2: Rajbhandari et al., arXiv:1910.02054). They add up on the device as far as the placement
// says, else in host memory. A pass works its way from the last parameter to the first; in a step's
// last pass each bucket goes, as soon as it is whole, to where its state is, and its norm is summed
// there.
#pragma once

#include <map>
#include <vector>

#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/lanes.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/placement.h"
#include "worker/trainer/optim/ranks.h"

namespace tune::trainer {

class Gradients {
 public:
  // `parameters`, `ranks` and `lanes` must outlive this. Over several ranks nothing can be placed
  // on the device: their sums are made on the host.
  Gradients(const Parameters& parameters, Ranks& ranks, Lanes& lanes, const Placement& placement);

  // Starts a step: what is there is forgotten.
  void Clear();
  // Says that the pass which follows is the step's last.
  void BeginLastPass() { last_pass_ = true; }
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
  // threads; after the last pass. Everything the step has computed is done when it returns.
  double Norm();

  // This rank's part of a bucket, fp32, where its state is; complete after Norm.
  const at::Tensor& Sum(int64_t bucket) const { return sums_[bucket]; }
  // The sum of a trainable parameter, of its shape, on the host; of a run of one rank only, and
  // after its last pass.
  at::Tensor operator[](size_t index) const;

 private:
  void AddOnDevice(const Range& range, const at::Tensor& gradient, bool fresh);
  void AddOnHost(const Range& range, const at::Tensor& gradient, bool fresh);
  void AddRowsOnDevice(size_t index, const at::Tensor& ids, const at::Tensor& rows);
  void AddRowsOnHost(size_t index, const at::Tensor& ids, const at::Tensor& rows);
  at::Tensor ToHost(const at::Tensor& gradient);
  at::Tensor Landing(int64_t bucket);
  at::Tensor Landing(const BucketPiece& piece);
  void Reduce(int64_t bucket);
  void Leave(int64_t bucket);

  const Parameters& parameters_;
  const FlatLayout& layout_;
  Ranks& ranks_;
  Lanes& lanes_;
  const Placement placement_;
  // What adds up on the device: the flat space up to its end.
  at::Tensor on_device_;
  std::vector<at::Tensor> sums_;
  // Per bucket, on the host; and on the device, fp64 [], for what stays there.
  std::vector<double> squares_;
  std::vector<at::Tensor> squares_on_device_;
  // Whether a parameter's landing place holds nothing of its own yet.
  std::vector<bool> fresh_;
  // Several ranks: sums of this pass in buckets that are not whole yet.
  std::map<int64_t, at::Tensor> open_;
  std::vector<at::Tensor> spare_;  // of the largest bucket's size
  int64_t unfinished_;             // buckets of this pass that are still to be whole
  bool first_pass_ = true;         // whether no earlier pass of the step is in the sums
  bool last_pass_ = false;
  // Landing place for gradients from a device that add up on the host; undefined where none do.
  at::Tensor staging_;
};

}  // namespace tune::trainer
