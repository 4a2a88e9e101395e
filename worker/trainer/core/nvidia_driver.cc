#include "worker/trainer/core/nvidia_driver.h"

#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"

namespace tune::trainer {
namespace {

constexpr unsigned int kTextBytes = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE, and more than CUDA's
constexpr char kInstallDriver[] =
    "install NVIDIA's driver, version 580 or later; in a container, give it the GPU "
    "(docker run --gpus all)";

// The few declarations of cuda.h and nvml.h used here; both are stable binary interfaces.
constexpr int kCudaErrorNoDevice = 100;
constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76;  // CUdevice_attribute

struct Cuda {
  int (*init)(unsigned int);
  int (*version)(int*);
  int (*count)(int*);
  int (*device)(int*, int);
  int (*name)(char*, int, int);
  int (*memory)(size_t*, int);
  int (*attribute)(int*, int, int);
  int (*bus_id)(char*, int, int);
  int (*error_text)(int, const char**);
};

struct Nvml {
  int (*init)();
  int (*shutdown)();
  int (*version)(char*, unsigned int);
  int (*handle)(const char*, void**);
  int (*generation)(void*, unsigned int*);
  int (*width)(void*, unsigned int*);
  int (*max_width)(void*, unsigned int*);
};

template <typename Function>
bool Resolve(void* library, const char* symbol, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, symbol));
  return function != nullptr;
}

// Stays loaded: LibTorch's CUDA half uses it too.
std::optional<Cuda> LoadDriver() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  Cuda cuda{};
  const bool resolved = library != nullptr && Resolve(library, "cuInit", cuda.init) &&
                        Resolve(library, "cuDriverGetVersion", cuda.version) &&
                        Resolve(library, "cuDeviceGetCount", cuda.count) &&
                        Resolve(library, "cuDeviceGet", cuda.device) &&
                        Resolve(library, "cuDeviceGetName", cuda.name) &&
                        Resolve(library, "cuDeviceTotalMem_v2", cuda.memory) &&
                        Resolve(library, "cuDeviceGetAttribute", cuda.attribute) &&
                        Resolve(library, "cuDeviceGetPCIBusId", cuda.bus_id) &&
                        Resolve(library, "cuGetErrorString", cuda.error_text);
  return resolved ? std::optional(cuda) : std::nullopt;
}

// NVML while it is open; tells nothing where the driver has none.
class Monitor {
 public:
  Monitor() : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    open_ = library_ != nullptr && Resolve(library_, "nvmlInit_v2", nvml_.init) &&
            Resolve(library_, "nvmlShutdown", nvml_.shutdown) &&
            Resolve(library_, "nvmlSystemGetDriverVersion", nvml_.version) &&
            Resolve(library_, "nvmlDeviceGetHandleByPciBusId_v2", nvml_.handle) &&
            Resolve(library_, "nvmlDeviceGetCurrPcieLinkGeneration", nvml_.generation) &&
            Resolve(library_, "nvmlDeviceGetCurrPcieLinkWidth", nvml_.width) &&
            Resolve(library_, "nvmlDeviceGetMaxPcieLinkWidth", nvml_.max_width) &&
            nvml_.init() == 0;
  }
  ~Monitor() {
    if (open_) nvml_.shutdown();
    if (library_ != nullptr) dlclose(library_);
  }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  std::string DriverVersion() const {
    char text[kTextBytes] = "";
    return open_ && nvml_.version(text, sizeof(text)) == 0 ? text : "";
  }

  std::string Link(const char* bus_id) const {
    void* device = nullptr;
    unsigned int generation = 0, width = 0, max_width = 0;
    if (!open_ || nvml_.handle(bus_id, &device) != 0 ||
        nvml_.generation(device, &generation) != 0 || nvml_.width(device, &width) != 0 ||
        nvml_.max_width(device, &max_width) != 0) {
      return "";
    }
    return absl::StrCat("PCIe ", generation, " x", width, " of x", max_width);
  }

 private:
  void* const library_;
  Nvml nvml_{};
  bool open_ = false;
};

bool IsNvidiaGpu(const std::string& device) {
  constexpr absl::string_view kDisplayController = "0x03";  // PCI base class 03h
  return absl::StartsWith(ReadFile(JoinPath(device, "vendor")).value_or(""), "0x10de") &&
         absl::StartsWith(ReadFile(JoinPath(device, "class")).value_or(""), kDisplayController);
}

bool HasNvidiaGpu(const std::string& pci) {
  const auto devices = ListDirectory(pci);
  if (!devices.ok()) return false;
  for (const std::string& device : *devices) {
    if (IsNvidiaGpu(JoinPath(pci, device))) return true;
  }
  return false;
}

// By the CUDA C++ Programming Guide, "CUDA Environment Variables": ends at the first bad entry.
bool AllHidden(const char* visible_devices) {
  if (visible_devices == nullptr) return false;
  const absl::string_view text = absl::StripAsciiWhitespace(visible_devices);
  return text.empty() || absl::StartsWith(text, "-1") || text == "NoDevFiles";
}

NvidiaGpu ReadGpu(const Cuda& cuda, const Monitor& monitor, int ordinal) {
  NvidiaGpu gpu;
  gpu.visible_as = VisibleAs(ordinal, getenv("CUDA_VISIBLE_DEVICES"));
  int device = 0, major = 0, minor = 0;
  if (cuda.device(&device, ordinal) != 0) return gpu;
  char text[kTextBytes] = "";
  if (cuda.name(text, sizeof(text), device) == 0) gpu.product = text;
  size_t bytes = 0;
  if (cuda.memory(&bytes, device) == 0) gpu.memory_bytes = static_cast<int64_t>(bytes);
  if (cuda.attribute(&major, kCapabilityMajor, device) == 0 &&
      cuda.attribute(&minor, kCapabilityMinor, device) == 0) {
    gpu.capability = 10 * major + minor;
  }
  if (cuda.bus_id(text, sizeof(text), device) == 0) gpu.link = monitor.Link(text);
  return gpu;
}

absl::Status NoGpu() { return absl::NotFoundError("no NVIDIA GPU on this machine"); }

absl::Status Start(const Cuda& cuda, const std::string& pci) {
  const int error = cuda.init(0);
  if (error == 0) return absl::OkStatus();
  if (error == kCudaErrorNoDevice && !HasNvidiaGpu(pci)) return NoGpu();
  const char* text = nullptr;
  if (cuda.error_text(error, &text) != 0 || text == nullptr) text = "unknown error";
  return absl::FailedPreconditionError(absl::StrCat(
      "the NVIDIA driver does not start: ", text, " (CUDA error ", error,
      "); see what nvidia-smi and dmesg say; after an update of the driver, restart the machine"));
}

}  // namespace

std::string CudaVersionText(int version) {
  return absl::StrCat(version / 1000, ".", version % 1000 / 10);
}

std::string VisibleAs(int ordinal, const char* visible_devices) {
  if (visible_devices == nullptr) return absl::StrCat(ordinal);
  const std::vector<std::string> names = absl::StrSplit(visible_devices, ',');
  if (static_cast<size_t>(ordinal) >= names.size()) return absl::StrCat(ordinal);
  return std::string(absl::StripAsciiWhitespace(names[ordinal]));
}

NvidiaDriver ReadNvidiaDriver(const std::string& pci) {
  NvidiaDriver driver;
  if (AllHidden(getenv("CUDA_VISIBLE_DEVICES"))) {
    driver.status = absl::NotFoundError("CUDA_VISIBLE_DEVICES hides every GPU");
    return driver;
  }
  const std::optional<Cuda> cuda = LoadDriver();
  if (!cuda.has_value()) {
    driver.status = HasNvidiaGpu(pci) ? absl::FailedPreconditionError(absl::StrCat(
                                            "this machine has an NVIDIA GPU but no NVIDIA driver "
                                            "(libcuda.so.1); ",
                                            kInstallDriver))
                                      : absl::NotFoundError("no NVIDIA driver, and no NVIDIA GPU");
    return driver;
  }
  const Monitor monitor;
  driver.version = monitor.DriverVersion();
  (void)cuda->version(&driver.cuda);
  driver.status = Start(*cuda, pci);
  int count = 0;
  if (!driver.status.ok() || cuda->count(&count) != 0) return driver;
  for (int i = 0; i < count; ++i) driver.gpus.push_back(ReadGpu(*cuda, monitor, i));
  if (count == 0) driver.status = NoGpu();
  return driver;
}

}  // namespace tune::trainer
