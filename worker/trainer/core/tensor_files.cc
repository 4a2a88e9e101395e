#include "worker/trainer/core/tensor_files.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {

at::ScalarType ScalarTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    case DType::kI64:
      return at::kLong;
    default:
      return at::kByte;
  }
}

DType DTypeOf(at::ScalarType type) {
  switch (type) {
    case at::kHalf:
      return DType::kF16;
    case at::kBFloat16:
      return DType::kBF16;
    case at::kLong:
      return DType::kI64;
    case at::kByte:
      return DType::kU8;
    default:
      return DType::kF32;
  }
}

DType DTypeOfPrecision(const std::string& precision) {
  if (precision == "bf16") return DType::kBF16;
  return precision == "fp16" ? DType::kF16 : DType::kF32;
}

at::Tensor FileTensor(const SafetensorsFile& file, const TensorInfo& info) {
  const at::TensorOptions options(ScalarTypeOf(info.dtype));
  // from_blob wants a pointer it may write through; nothing here does.
  auto* data = const_cast<char*>(file.Data(info).data());
  if (info.offset % DTypeBytes(info.dtype) == 0) return at::from_blob(data, info.shape, options);
  at::Tensor copy = at::empty(info.shape, options);
  std::memcpy(copy.mutable_data_ptr(), data, info.bytes);
  return copy;
}

absl::string_view TensorBytes(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

namespace {

DType SavedType(const at::Tensor& tensor, DType dtype) {
  return tensor.is_floating_point() ? dtype : DTypeOf(tensor.scalar_type());
}

// Whether `saved`, which is `tensor` in another type, lost a finite value: fp16 ends at 65504.
bool LosesValues(const at::Tensor& tensor, const at::Tensor& saved) {
  if (saved.scalar_type() == tensor.scalar_type() || !saved.is_floating_point()) return false;
  return saved.isinf().logical_and(tensor.isfinite()).any().item<bool>();
}

std::string RangeError(const NamedTensor& named, at::ScalarType type) {
  return absl::StrCat(named.name, ": a value of ", named.tensor.abs().max().item<double>(),
                      " is beyond the range of ", DTypeName(DTypeOf(type)));
}

// `tensor` in `type`, which must hold all its values.
absl::StatusOr<at::Tensor> Narrowed(const NamedTensor& named, at::ScalarType type) {
  const at::Tensor out = named.tensor.detach().to(type).contiguous();
  if (!LosesValues(named.tensor, out)) return out.to(at::kCPU);
  return Fail(kBadSpec,
              absl::StrCat(RangeError(named, type), "; set save_precision to bf16 or fp32"));
}

}  // namespace

std::string BeyondRange(const NamedTensor& named, DType dtype) {
  const at::ScalarType type = ScalarTypeOf(SavedType(named.tensor, dtype));
  const at::Tensor saved = named.tensor.detach().to(type);
  return LosesValues(named.tensor, saved) ? RangeError(named, type) : "";
}

absl::StatusOr<std::string> WriteTensors(const std::string& path,
                                         const std::vector<NamedTensor>& tensors, DType dtype) {
  std::vector<TensorSpec> specs;
  for (const auto& [name, tensor] : tensors) {
    specs.push_back({name, SavedType(tensor, dtype), tensor.sizes().vec()});
  }
  ASSIGN_OR_RETURN(auto writer, SafetensorsWriter::Create(path, specs, {{"format", "pt"}}));
  for (const NamedTensor& named : tensors) {
    ASSIGN_OR_RETURN(const at::Tensor out,
                     Narrowed(named, ScalarTypeOf(SavedType(named.tensor, dtype))));
    RETURN_IF_ERROR(writer->Append(TensorBytes(out)));
  }
  return writer->Finish();
}

}  // namespace tune::trainer
