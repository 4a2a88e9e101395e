// What a run holds in memory and on disk, from sizes alone: before it runs, and on any machine. The
// trainer places its state by the same figures.
#pragma once

#include <cstdint>
#include <string>

#include "recipe/model/model_config.h"

namespace tune {

// What decides it.
struct MemoryInputs {
  ModelConfig config;
  int64_t value_bytes = 4;        // of the type that it computes in: 4 or 2
  int64_t saved_value_bytes = 4;  // of the exported weights
  bool recompute = true;
  int64_t pass_tokens = 4096;  // in the largest forward and backward pass
  int64_t examples = 0;        // in memory, and their tokens
  int64_t data_tokens = 0;
  int64_t vocabulary = 0;        // of the tokenizer
  int64_t ranks = 1;             // processes that share the run
  bool has_device = false;       // a GPU for each, with memory of its own
  int64_t device_bytes = 0;      // of which so much is free
  std::string offload = "auto";  // as in the run spec
};

// Bytes; of one of the ranks.
struct DeviceMemory {
  int64_t weights = 0;
  int64_t gradients = 0;  // their sums over a step's passes
  int64_t state = 0;      // fp32 masters and two moments
  int64_t pass = 0;       // activations, logits, gradients on their way
  int64_t reserve = 0;    // left alone

  int64_t total() const { return weights + gradients + state + pass + reserve; }
};

// Bytes; of all ranks of the host.
struct HostMemory {
  int64_t weights = 0;
  int64_t gradients = 0;
  int64_t state = 0;
  int64_t pass = 0;
  int64_t data = 0;      // examples and tokenizer
  int64_t programs = 0;  // LibTorch and what it keeps

  int64_t total() const { return weights + gradients + state + pass + data + programs; }
};

struct MemoryPlan {
  DeviceMemory device;  // all zero without one
  HostMemory host;
  int64_t checkpoint_bytes = 0;  // of one that a run can go on from
  int64_t final_bytes = 0;       // of the exported model
};

// Bytes a value of a gradient's sum, and of a master with its two moments.
inline constexpr int64_t kGradientBytes = 4;
inline constexpr int64_t kStateBytes = 12;

// Parts of the gradients' sums and of the state that `bytes` hold: gradients first, since one that
// is added up on the host costs a copy in every pass of a step, and state costs one in each step;
// state only where all gradients fit.
struct DeviceShare {
  int64_t gradient_values = 0;
  int64_t state_values = 0;
};
DeviceShare ShareOf(int64_t values, int64_t bytes);

// Bytes that one forward and backward pass takes beside weights and gradients' sums: each block's
// input, the graph of one block (of all without recompute), the head's logits in chunks with the
// gradient of its weight, and the gradients of a block on their way.
int64_t PassBytes(const MemoryInputs& inputs);

// What is left alone of a device with so much memory: the libraries' workspaces, and what its
// allocator loses between tensors.
int64_t ReserveBytes(int64_t device_bytes);

MemoryPlan PlanMemory(const MemoryInputs& inputs);

}  // namespace tune
