// Between safetensors files and tensors in host memory.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "recipe/model/safetensors.h"
#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// Of a type that weights or a training state have: kF32, kF16, kBF16, kI64, kU8.
at::ScalarType ScalarTypeOf(DType dtype);
DType DTypeOf(at::ScalarType type);
// "fp32", "bf16", "fp16".
DType DTypeOfPrecision(const std::string& precision);

// A tensor in the file, to read only; valid while the file is open. A view where the file has
// it aligned, else a copy.
at::Tensor FileTensor(const SafetensorsFile& file, const TensorInfo& info);

// The bytes of a contiguous host tensor; valid while the tensor is.
absl::string_view TensorBytes(const at::Tensor& tensor);

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// What is wrong with saving a tensor as `dtype`: a finite value that is beyond its range, with the
// tensor's name. Empty where every value fits.
std::string BeyondRange(const NamedTensor& named, DType dtype);

// Writes tensors, of any device, to one file, in this order; those of a floating type are converted
// to `dtype` as they go out. Returns the file's SHA-256; it is not synced. BadSpec names a tensor
// with a finite value beyond its range.
absl::StatusOr<std::string> WriteTensors(const std::string& path,
                                         const std::vector<NamedTensor>& tensors, DType dtype);

}  // namespace tune::trainer
