#include "worker/trainer/core/device.h"

#include <cstdlib>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/trainer/core/cuda.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {
namespace {

absl::Status OpenCuda(int64_t index) {
  const CudaState& cuda = Cuda();
  RETURN_IF_ERROR(cuda.status);
  if (index >= std::ssize(cuda.gpus)) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no GPU number ", index, ", only ", cuda.gpus.size()));
  }
  RETURN_IF_ERROR(cuda.gpus[index]);
  at::globalContext().lazyInitDevice(at::kCUDA);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<at::Device> OpenDevice(const std::string& name, int64_t index) {
  if (name == "cpu") return at::Device(at::kCPU);
  const absl::Status cuda = OpenCuda(index);
  if (cuda.ok()) return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  if (name == "auto") return at::Device(at::kCPU);
  return Fail(kNoDevice, absl::StrCat("device cuda was asked for, but it cannot be used here: ",
                                      cuda.message()));
}

std::string UnusedGpuWarning(const std::string& name, const at::Device& opened) {
  if (name != "auto" || !opened.is_cpu()) return "";
  const absl::Status& cuda = Cuda().status;
  if (!absl::IsFailedPrecondition(cuda)) return "";
  return absl::StrCat("computes on the CPU, for the GPU of this machine cannot be used: ",
                      cuda.message());
}

void UseDeterministicKernels() {
  // One workspace per stream, so that no product is split as another leaves room for it
  // (cuBLAS, "Results reproducibility").
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  // Filling what at::empty returns finds bugs, and costs a pass over memory.
  context.setDeterministicFillUninitializedMemory(false);
}

std::string DeviceName(const at::Device& device) { return device.str(); }

at::ScalarType ComputeType(const std::string& precision, const at::Device& device) {
  if (precision == "bf16") return at::kBFloat16;
  if (precision == "fp32") return at::kFloat;
  return device.is_cuda() ? at::kBFloat16 : at::kFloat;
}

}  // namespace tune::trainer
