// Gradients of one optimizer step, accumulated in fp32 in host memory.
#pragma once

#include <vector>

#include "worker/trainer/aten.h"
#include "worker/trainer/parameters.h"
#include "worker/trainer/ranks.h"

namespace tune::trainer {

class HostGradients {
 public:
  // `parameters` must outlive this.
  explicit HostGradients(const Parameters& parameters);

  // Starts a step: the next addition to each parameter replaces what is there.
  void Clear();
  // Adds a device gradient of the parameter's shape.
  void Add(size_t index, const at::Tensor& gradient);
  // Adds rows [n, width] to the rows `ids` [n] of a [rows, width] parameter: an
  // embedding's gradient without its zeros.
  void AddRows(size_t index, const at::Tensor& ids, const at::Tensor& rows);

  // Ends a step: over all ranks, this rank's part of every bucket becomes the sum of the
  // ranks' gradients. Returns their L2 norm, in fp64 and in an order that does not depend
  // on the number of threads.
  double Reduce(Ranks& ranks);

  size_t size() const { return sums_.size(); }
  // fp32, on the host, of the parameter's shape.
  const at::Tensor& operator[](size_t index) const { return sums_[index]; }
  // All of them end to end, as the parameters' layout says. Between steps the memory may
  // serve others.
  const at::Tensor& flat() const { return flat_; }

 private:
  at::Tensor ToHost(const at::Tensor& gradient);

  const FlatLayout& layout_;
  at::Tensor flat_;
  std::vector<at::Tensor> sums_;
  std::vector<bool> fresh_;
  // Page-locked landing place for gradients from a GPU; undefined on a CPU.
  at::Tensor staging_;
};

}  // namespace tune::trainer
