// A libcuda.so.1 for tests: as many GPUs, of such a CUDA, as the environment says. It computes
// nothing. Found by LD_LIBRARY_PATH before a real one.
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kErrorNoDevice = 100;
constexpr int kMajor = 75;  // CUdevice_attribute

int Number(const char* name, int otherwise) {
  const char* text = getenv(name);
  return text != nullptr ? atoi(text) : otherwise;
}

int Gpus() { return Number("FAKE_GPUS", 1); }

void Copy(const char* text, char* out, int size) {
  strncpy(out, text, static_cast<size_t>(size) - 1);
  out[size - 1] = '\0';
}

}  // namespace

extern "C" {

int cuInit(unsigned int) { return Gpus() > 0 ? 0 : kErrorNoDevice; }

int cuDriverGetVersion(int* version) {
  *version = Number("FAKE_CUDA_VERSION", 13000);
  return 0;
}

int cuDeviceGetCount(int* count) {
  *count = Gpus();
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}

int cuDeviceGetName(char* name, int size, int) {
  Copy("Fake GPU", name, size);
  return 0;
}

int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = size_t{8} << 30;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == kMajor ? 9 : 0;
  return 0;
}

int cuDeviceGetPCIBusId(char* id, int size, int) {
  Copy("0000:01:00.0", id, size);
  return 0;
}

int cuGetErrorString(int, const char** text) {
  *text = "no CUDA-capable device is detected";
  return 0;
}

}  // extern "C"
