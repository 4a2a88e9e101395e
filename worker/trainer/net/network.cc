#include "worker/trainer/net/network.h"

#include "worker/trainer/net/ops/linear.h"

namespace tune::trainer {

at::Tensor Network::Logits(const at::Tensor& normed) const {
  const at::Tensor bias = head_.bias ? parameters_[*head_.bias].weight : at::Tensor();
  return Linear(normed, parameters_[head_.weight].weight, bias);
}

}  // namespace tune::trainer
