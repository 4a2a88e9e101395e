// A libnvidia-ml.so.1 for tests: the driver's version and the GPUs' links.
#include <cstring>

extern "C" {

int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }

int nvmlSystemGetDriverVersion(char* version, unsigned int size) {
  strncpy(version, "999.01", size);
  return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char*, void** device) {
  *device = nullptr;
  return 0;
}

int nvmlDeviceGetCurrPcieLinkGeneration(void*, unsigned int* generation) {
  *generation = 5;
  return 0;
}

int nvmlDeviceGetCurrPcieLinkWidth(void*, unsigned int* width) {
  *width = 8;
  return 0;
}

int nvmlDeviceGetMaxPcieLinkWidth(void*, unsigned int* width) {
  *width = 16;
  return 0;
}

}  // extern "C"
