#include "worker/trainer/core/cuda_libraries.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"

namespace tune::trainer {
namespace {

// DT_NEEDED of libtorch_cuda.so, libtorch_cuda_linalg.so and libtorch_nvshmem.so of torch 2.11.0
// and of what those need; and NVRTC, which LibTorch loads by name. The folders are those of the
// wheels (deploy/wheels.txt, deploy/wheels-cuda.txt). tests/cuda.sh holds this against the files.
struct Row {
  const char* name;
  const char* folder;
};
constexpr Row kLibraries[] = {
    {"libcudart.so.13", "cu13"},   {"libnvJitLink.so.13", "cu13"},
    {"libcublasLt.so.13", "cu13"}, {"libcublas.so.13", "cu13"},
    {"libcusparse.so.12", "cu13"}, {"libcusolver.so.12", "cu13"},
    {"libcufft.so.12", "cu13"},    {"libcurand.so.10", "cu13"},
    {"libcufile.so.0", "cu13"},    {"libnvrtc.so.13", "cu13"},
    {"libcudnn.so.9", "cudnn"},    {"libcusparseLt.so.0", "cusparselt"},
    {"libnccl.so.2", "nccl"},      {"libnvshmem_host.so.3", "nvshmem"},
};

std::string InPackages(const std::string& packages, const Row& row) {
  const std::string path = absl::StrCat(packages, "/nvidia/", row.folder, "/lib/", row.name);
  return Exists(path) ? path : "";
}

// Where the loader finds it by name; it stays loaded, as it is needed.
std::string KnownToLoader(const char* name) {
  void* library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
  const link_map* map = nullptr;
  if (library == nullptr || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return "";
  return map->l_name;
}

std::string Find(const Row& row, const std::string& beside,
                 const std::vector<std::string>& site_packages) {
  if (std::string path = InPackages(beside, row); !path.empty()) return path;
  if (std::string path = KnownToLoader(row.name); !path.empty()) return path;
  for (const std::string& packages : site_packages) {
    if (std::string path = InPackages(packages, row); !path.empty()) return path;
  }
  return "";
}

// PREFIX/lib/python3.11/site-packages, the newest python first; Debian's own are dist-packages.
void AddSitePackages(const std::string& prefix, std::vector<std::string>* found) {
  const std::string lib = JoinPath(prefix, "lib");
  auto names = ListDirectory(lib).value_or(std::vector<std::string>());
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) > std::pair(b.size(), b);  // 3.11 before 3.9
  });
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, "python3")) continue;
    for (const char* packages : {"site-packages", "dist-packages"}) {
      std::string path = absl::StrCat(lib, "/", name, "/", packages);
      if (Exists(path)) found->push_back(std::move(path));
    }
  }
}

}  // namespace

std::vector<std::string> SitePackages() {
  std::vector<std::string> found;
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const char* prefix = getenv(name)) AddSitePackages(prefix, &found);
  }
  if (const char* home = getenv("HOME")) AddSitePackages(JoinPath(home, ".local"), &found);
  for (const char* prefix : {"/usr/local", "/usr"}) AddSitePackages(prefix, &found);
  return found;
}

std::vector<CudaLibrary> FindCudaLibraries(const std::string& torch_lib,
                                           const std::vector<std::string>& site_packages) {
  const std::string beside = std::filesystem::path(torch_lib).parent_path().parent_path();
  std::vector<CudaLibrary> libraries;
  for (const Row& row : kLibraries) {
    libraries.push_back({row.name, Find(row, beside, site_packages)});
  }
  return libraries;
}

absl::Status LoadCudaLibraries(const std::vector<CudaLibrary>& libraries) {
  for (const CudaLibrary& library : libraries) {
    if (dlopen(library.path.c_str(), RTLD_LAZY | RTLD_GLOBAL) == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(library.name, " does not load: ", dlerror()));
    }
  }
  return absl::OkStatus();
}

}  // namespace tune::trainer
