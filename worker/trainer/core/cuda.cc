#include "worker/trainer/core/cuda.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "worker/trainer/core/aten.h"

namespace tune::trainer {
namespace {

std::string TorchFolder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&at::get_num_threads), &info) == 0) return "";
  return std::filesystem::path(info.dli_fname).parent_path();
}

// A driver runs programs of its own CUDA's major version and of earlier ones (CUDA Compatibility,
// "Minor Version Compatibility").
absl::Status CheckVersion(const NvidiaDriver& driver) {
  const int needed = CudaOfLibTorch();
  if (driver.cuda / 1000 >= needed / 1000) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the NVIDIA driver ", driver.version, " is too old: it runs CUDA ",
                   CudaVersionText(driver.cuda), ", and LibTorch needs CUDA ",
                   CudaVersionText(needed), "; install NVIDIA's driver, version 580 or later"));
}

absl::Status CheckLibraries(const std::vector<CudaLibrary>& libraries) {
  std::vector<std::string> missing;
  for (const CudaLibrary& library : libraries) {
    if (library.path.empty()) missing.push_back(library.name);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("NVIDIA's ", absl::StrJoin(missing, ", "),
                                                    missing.size() == 1 ? " is" : " are",
                                                    " missing; ", kInstallLibraries));
}

absl::Status LoadTorch() {
  const std::string path = TorchFolder() + "/libtorch_cuda.so";
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("LibTorch's CUDA half does not load: ", dlerror(), "; ", kInstallLibraries));
  }
  if (at::globalContext().hasCUDA()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "LibTorch finds no usable GPU; see what nvidia-smi and dmesg say");
}

absl::Status CheckGpu(const NvidiaGpu& gpu, const std::vector<int>& architectures) {
  if (HasCodeFor(gpu.capability, architectures)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      gpu.product, " has compute capability ", gpu.capability / 10, ".", gpu.capability % 10,
      ", but LibTorch has code for sm_", absl::StrJoin(architectures, " sm_"),
      " alone; use another GPU, or device: cpu"));
}

absl::Status Load(CudaState* state) {
  RETURN_IF_ERROR(state->driver.status);
  RETURN_IF_ERROR(CheckVersion(state->driver));
  RETURN_IF_ERROR(CheckLibraries(state->libraries));
  RETURN_IF_ERROR(LoadCudaLibraries(state->libraries));
  RETURN_IF_ERROR(LoadTorch());
  state->architectures = ArchitecturesOf(at::detail::getCUDAHooks().showConfig());
  return absl::OkStatus();
}

CudaState Look() {
  CudaState state;
  state.driver = ReadNvidiaDriver();
  state.libraries = FindCudaLibraries(TorchFolder(), SitePackages());
  state.status = Load(&state);
  for (const NvidiaGpu& gpu : state.driver.gpus) {
    state.gpus.push_back(state.status.ok() ? CheckGpu(gpu, state.architectures) : state.status);
  }
  const bool usable = std::any_of(state.gpus.begin(), state.gpus.end(),
                                  [](const absl::Status& status) { return status.ok(); });
  if (state.status.ok() && !usable) state.status = state.gpus.front();
  return state;
}

}  // namespace

const CudaState& Cuda() {
  static const CudaState state = Look();
  return state;
}

bool HasCodeFor(int capability, const std::vector<int>& architectures) {
  return std::any_of(architectures.begin(), architectures.end(),
                     [&](int code) { return code / 10 == capability / 10 && code <= capability; });
}

std::vector<int> ArchitecturesOf(const std::string& config) {
  const std::string code = "code=sm_";
  std::vector<int> architectures;
  for (size_t at = config.find(code); at != std::string::npos; at = config.find(code, at + 1)) {
    const std::string rest = config.substr(at + code.size());
    int number;
    if (absl::SimpleAtoi(rest.substr(0, rest.find_first_not_of("0123456789")), &number)) {
      architectures.push_back(number);
    }
  }
  return architectures;
}

// Of the CUDA runtime, which LibTorch's CPU half links too (for its profiler).
int CudaOfLibTorch() {
  int version = 0;
  const auto ask = reinterpret_cast<int (*)(int*)>(dlsym(RTLD_DEFAULT, "cudaRuntimeGetVersion"));
  if (ask != nullptr) ask(&version);
  return version;
}

}  // namespace tune::trainer
