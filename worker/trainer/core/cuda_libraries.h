// NVIDIA's libraries that LibTorch's CUDA half links, and where they are.
//
// LibTorch finds them by itself where they lie as in site-packages, in nvidia/*/lib beside torch/:
// so do deploy/install-deps.sh --cuda, the worker's CUDA image and `pip install torch` put them.
// Others are loaded first, by their paths; the loader then takes those, since it knows a library by
// its name (ld.so(8), DT_SONAME).
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tune::trainer {

// What mends it where one is missing.
inline constexpr char kInstallLibraries[] =
    "run deploy/install-deps.sh --cuda (2.0 GB), or take the worker image's target cuda";

struct CudaLibrary {
  std::string name;  // "libcublas.so.13"
  std::string path;  // "" where it is nowhere
};

// Where pip puts packages for this user and this machine: site-packages folders that exist, by
// $VIRTUAL_ENV, $CONDA_PREFIX, $HOME and the prefixes /usr/local and /usr.
std::vector<std::string> SitePackages();

// Every one of them, each before those that need it. Looks in nvidia/*/lib of the folder above
// `torch_lib`; then asks the loader ($LD_LIBRARY_PATH, ld.so.conf); then in nvidia/*/lib of each of
// `site_packages`.
std::vector<CudaLibrary> FindCudaLibraries(const std::string& torch_lib,
                                           const std::vector<std::string>& site_packages);

// Loads all, in their order, for this process's life. An error names the first that does not load.
absl::Status LoadCudaLibraries(const std::vector<CudaLibrary>& libraries);

}  // namespace tune::trainer
