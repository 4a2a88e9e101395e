// Phi written out plainly, to hold the trainer against: fp64, one example at a time, every
// score, mask and norm spelled out, one autograd graph over all. It shares nothing with
// model.cc, attention.cc, loss.cc and training_pass.cc. Source:
// transformers/models/phi/modeling_phi.py, dropout 0.
#pragma once

#include <vector>

#include "recipe/data/example.h"
#include "recipe/model/model_config.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/parameters.h"

namespace tune::trainer {

struct PlainResult {
  std::vector<double> losses;         // of each example, summed over its targets, in nats
  std::vector<at::Tensor> gradients;  // of the loss per target, by parameter; fp64

  // sqrt(sum of squares) over all parameters.
  double GradientNorm() const;
};

PlainResult PlainPhi(const ModelConfig& config, const Parameters& parameters,
                     const std::vector<Example>& examples);

}  // namespace tune::trainer
