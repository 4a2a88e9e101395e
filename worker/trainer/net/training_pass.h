// Forward and backward of one micro-batch, block by block: each block has an autograd
// graph of its own, so its gradients can leave as soon as it is done, and recomputing it
// is running it again.
#pragma once

#include <functional>
#include <vector>

#include "worker/trainer/net/dropout.h"
#include "worker/trainer/net/micro_batch.h"
#include "worker/trainer/net/network.h"
#include "worker/trainer/optim/gradients.h"

namespace tune::trainer {

struct PassOptions {
  // Gradients are of `scale` times the sum of the target tokens' losses.
  double scale = 1;
  // Keeps only each block's input and computes its activations again in backward.
  bool recompute = true;
  // Called between forward and backward; may be empty.
  std::function<void()> on_forward_done = {};
  // Called before a parameter is read for the first time; may be empty. A parameter that the
  // network uses is read in every pass.
  std::function<void(size_t index)> await = {};
};

// Adds the micro-batch's gradients to `gradients`. Returns the summed loss of each
// example, in nats, in the order of the micro-batch.
std::vector<double> ForwardBackward(const Network& network, const MicroBatch& batch,
                                    const Dropout& dropout, const PassOptions& options,
                                    Gradients* gradients);

// The same losses without gradients and without dropout.
std::vector<double> Forward(const Network& network, const MicroBatch& batch);

// Logits [tokens, vocab] of a whole micro-batch: small inputs only.
at::Tensor ForwardLogits(const Network& network, const MicroBatch& batch);

}  // namespace tune::trainer
