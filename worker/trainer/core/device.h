// Where the model runs: on the CPU, or on a GPU where cuda.h finds one that can be used. One build
// serves both.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// "cpu", "cuda" (GPU number `index`; an error with the cause where there is none) or "auto"
// (the GPU if it can be used, else the CPU).
absl::StatusOr<at::Device> OpenDevice(const std::string& name, int64_t index = 0);

// Why `opened`, which OpenDevice gave for `name`, is the CPU although this machine has a GPU, and
// what mends it; "" where there is nothing to tell.
std::string UnusedGpuWarning(const std::string& name, const at::Device& opened);

// From here on LibTorch takes only kernels that give the same bits again, and an operation
// that has none throws (torch.use_deterministic_algorithms). Before the first OpenDevice:
// cuBLAS reads its setting when it starts.
void UseDeterministicKernels();

// "cpu", "cuda:0", …
std::string DeviceName(const at::Device& device);

// "fp32", "bf16", or "auto": bf16 on a GPU, fp32 on a CPU.
at::ScalarType ComputeType(const std::string& precision, const at::Device& device);

}  // namespace tune::trainer
