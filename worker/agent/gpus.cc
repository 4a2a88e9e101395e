#include "worker/agent/gpus.h"

#include <dlfcn.h>

namespace tune::worker {
namespace {

class NoGpus : public GpuProbe {
 public:
  std::vector<GpuReading> Read() override { return {}; }
};

// The few declarations of nvml.h (NVML API Reference, stable since driver 418) used here.
using Device = void*;
struct Memory {
  unsigned long long total, free, used;
};
struct Utilization {
  unsigned int gpu, memory;  // percent
};
constexpr unsigned int kTemperatureGpu = 0;
constexpr unsigned int kTextBytes = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE

struct Nvml {
  int (*init)();
  int (*shutdown)();
  int (*count)(unsigned int*);
  int (*handle)(unsigned int, Device*);
  int (*name)(Device, char*, unsigned int);
  int (*uuid)(Device, char*, unsigned int);
  int (*memory)(Device, Memory*);
  int (*utilization)(Device, Utilization*);
  int (*temperature)(Device, unsigned int, unsigned int*);
  int (*energy)(Device, unsigned long long*);  // millijoules
};

template <typename Function>
bool Resolve(void* library, const char* symbol, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, symbol));
  return function != nullptr;
}

bool ResolveAll(void* library, Nvml& nvml) {
  return Resolve(library, "nvmlInit_v2", nvml.init) &&
         Resolve(library, "nvmlShutdown", nvml.shutdown) &&
         Resolve(library, "nvmlDeviceGetCount_v2", nvml.count) &&
         Resolve(library, "nvmlDeviceGetHandleByIndex_v2", nvml.handle) &&
         Resolve(library, "nvmlDeviceGetName", nvml.name) &&
         Resolve(library, "nvmlDeviceGetUUID", nvml.uuid) &&
         Resolve(library, "nvmlDeviceGetMemoryInfo", nvml.memory) &&
         Resolve(library, "nvmlDeviceGetUtilizationRates", nvml.utilization) &&
         Resolve(library, "nvmlDeviceGetTemperature", nvml.temperature) &&
         Resolve(library, "nvmlDeviceGetTotalEnergyConsumption", nvml.energy);
}

class NvmlProbe : public GpuProbe {
 public:
  NvmlProbe(void* library, const Nvml& nvml) : library_(library), nvml_(nvml) {}
  ~NvmlProbe() override {
    nvml_.shutdown();
    dlclose(library_);
  }

  std::vector<GpuReading> Read() override {
    std::vector<GpuReading> readings;
    unsigned int count = 0;
    if (nvml_.count(&count) != 0) return readings;
    for (unsigned int index = 0; index < count; ++index) {
      Device device = nullptr;
      if (nvml_.handle(index, &device) == 0) readings.push_back(ReadDevice(device));
    }
    return readings;
  }

 private:
  GpuReading ReadDevice(Device device) const {
    GpuReading reading;
    char text[kTextBytes] = "";
    if (nvml_.name(device, text, sizeof(text)) == 0) reading.product = text;
    if (nvml_.uuid(device, text, sizeof(text)) == 0) reading.uuid = text;
    Memory memory{};
    if (nvml_.memory(device, &memory) == 0) {
      reading.memory_bytes = static_cast<int64_t>(memory.total);
      reading.memory_used_bytes = static_cast<int64_t>(memory.used);
    }
    Utilization utilization{};
    if (nvml_.utilization(device, &utilization) == 0) reading.utilization = utilization.gpu / 100.0;
    unsigned int celsius = 0;
    if (nvml_.temperature(device, kTemperatureGpu, &celsius) == 0) {
      reading.temperature_celsius = celsius;
    }
    unsigned long long millijoules = 0;
    if (nvml_.energy(device, &millijoules) == 0) {
      reading.energy_joules = static_cast<double>(millijoules) / 1000;
    }
    return reading;
  }

  void* const library_;
  const Nvml nvml_;
};

}  // namespace

std::unique_ptr<GpuProbe> OpenGpuProbe() {
  void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::make_unique<NoGpus>();
  Nvml nvml{};
  if (ResolveAll(library, nvml) && nvml.init() == 0) {
    return std::make_unique<NvmlProbe>(library, nvml);
  }
  dlclose(library);
  return std::make_unique<NoGpus>();
}

}  // namespace tune::worker
