// LibTorch's CUDA half: whether it can be used on this machine, and if not, why. The program links
// the CPU half only; the other is loaded at run time, where it and a GPU are there.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worker/trainer/core/cuda_libraries.h"
#include "worker/trainer/core/nvidia_driver.h"

namespace tune::trainer {

struct CudaState {
  NvidiaDriver driver;
  std::vector<CudaLibrary> libraries;
  std::vector<int> architectures;  // LibTorch has code for, 10 * major + minor; once loaded
  // Per driver.gpus: OK where LibTorch can use it. FAILED_PRECONDITION with what mends it.
  std::vector<absl::Status> gpus;
  // OK where LibTorch's CUDA half is loaded and finds a GPU. NOT_FOUND where the machine has no
  // GPU, or is told to hide it; FAILED_PRECONDITION, with what mends it, where it has one that
  // cannot be used.
  absl::Status status;
};

// Looks, and loads what is there, the first time; from any thread. Must not run before
// UseDeterministicKernels has. No GPU gets a context by it.
const CudaState& Cuda();

// Whether code for one of `architectures` runs on a GPU of `capability`: of the same major number
// and no higher a minor one (CUDA C++ Programming Guide, "Binary Compatibility").
bool HasCodeFor(int capability, const std::vector<int>& architectures);

// The architectures in the text of at::CUDAHooksInterface::showConfig: 75 of
// "-gencode;arch=compute_75,code=sm_75".
std::vector<int> ArchitecturesOf(const std::string& config);

// Of the CUDA that this LibTorch is built for, as NvidiaDriver::cuda.
int CudaOfLibTorch();

}  // namespace tune::trainer
