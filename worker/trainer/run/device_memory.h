// How much of a device's memory a run needs beside its weights, and what of its optimizer state
// fits there.
#pragma once

#include <cstdint>

#include "recipe/model/model_config.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/placement.h"
#include "worker/trainer/run/setup.h"

namespace tune::trainer {

// Bytes that one forward and backward pass over so many tokens takes beside weights and gradients'
// sums: each block's input, the graph of one block (of all without `recompute`), the head's logits
// in chunks with the gradient of its weight, and the gradients of a block on their way. An estimate
// that no GPU has been measured against; Reserve is for what it lacks.
int64_t PassBytes(const ModelConfig& config, int64_t tokens, int64_t value_bytes, bool recompute);

// What is left alone of a device with so much memory: the libraries' workspaces and what its
// allocator loses between tensors.
int64_t ReserveBytes(int64_t device_bytes);

// Tokens of the largest micro-batch.
int64_t LargestPassTokens(const Setup& setup);

// Once the weights are on the device: as spec.offload says. On a CPU, and over several ranks, whose
// sums are made on the host, all lies on the host.
Placement PlaceBySpec(const Setup& setup, const Parameters& parameters);

}  // namespace tune::trainer
