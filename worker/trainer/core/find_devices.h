// What this machine has to train on, and what it lacks, line by line.
#pragma once

#include <string>

#include "run/device_report.h"
#include "worker/trainer/core/cuda.h"

namespace tune::trainer {

// Looks at the driver, LibTorch's CUDA half, the host's memory and, unless `folder` is "", how fast
// a file in it is written, which takes about a second.
DeviceReport FindDevices(const std::string& folder);

// The part of it that is CUDA's: a pure function, so that any machine's can be tested.
DeviceReport ReportOn(const CudaState& state);

}  // namespace tune::trainer
