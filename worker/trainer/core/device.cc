#include "worker/trainer/core/device.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {
namespace {

absl::Status LoadLibrary(const std::string& path, int flags) {
  if (dlopen(path.c_str(), flags) != nullptr) return absl::OkStatus();
  return absl::UnavailableError(dlerror());
}

std::string TorchFolder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&at::get_num_threads), &info) == 0) return "";
  return std::filesystem::path(info.dli_fname).parent_path();
}

// The driver comes first: without it the 1 GB of CUDA kernels need not be mapped.
absl::Status LoadCuda(int64_t index) {
  RETURN_IF_ERROR(Annotate(LoadLibrary("libcuda.so.1", RTLD_NOW), "no NVIDIA driver"));
  const std::string cuda = TorchFolder() + "/libtorch_cuda.so";
  RETURN_IF_ERROR(Annotate(LoadLibrary(cuda, RTLD_NOW | RTLD_GLOBAL), "no CUDA build of LibTorch"));
  if (!at::globalContext().hasCUDA() || at::detail::getCUDAHooks().deviceCount() <= index) {
    return absl::UnavailableError(absl::StrCat("LibTorch finds no usable GPU number ", index));
  }
  at::globalContext().lazyInitDevice(at::kCUDA);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<at::Device> OpenDevice(const std::string& name, int64_t index) {
  if (name == "cpu") return at::Device(at::kCPU);
  const absl::Status cuda = LoadCuda(index);
  if (cuda.ok()) return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  if (name == "auto") return at::Device(at::kCPU);
  return Fail(kNoDevice, absl::StrCat("device cuda was asked for, but this machine has none: ",
                                      cuda.message()));
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
