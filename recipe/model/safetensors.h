// The safetensors format (github.com/huggingface/safetensors, README "Format"): 8 bytes
// of little-endian header length, a JSON header, then the tensors' bytes, row-major and
// little-endian. Strict both ways: no holes, overlaps or duplicates. A file may place a tensor
// at any byte; what is written here is aligned.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

// All types of the format. Weights are kF32, kF16 or kBF16 (IsFloat); the others are known so
// that a file which holds one, a mask say, can be read beside them.
enum class DType {
  kF32,
  kF16,
  kBF16,
  kI64,
  kU8,
  kBool,
  kI8,
  kI16,
  kU16,
  kI32,
  kU32,
  kU64,
  kF64,
  kC64,
  kF8E5M2,
  kF8E4M3,
  kF8E8M0,
  kF8E5M2Fnuz,
  kF8E4M3Fnuz,
  kF6E2M3,
  kF6E3M2,
  kF4,
};

// True for the types that weights have.
bool IsFloat(DType dtype);
// Bytes of one element; 0 for the types of less than a byte (kF6…, kF4).
int64_t DTypeBytes(DType dtype);
absl::string_view DTypeName(DType dtype);  // "F32", as in the header
absl::StatusOr<DType> DTypeFromName(absl::string_view name);

struct TensorInfo {
  DType dtype;
  std::vector<int64_t> shape;
  int64_t offset;  // bytes, from the beginning of the file; any number, aligned or not
  int64_t bytes;
};

// A file mapped read-only. Tensor data stays valid as long as this object lives.
class SafetensorsFile {
 public:
  // DATA_LOSS for a truncated file, INVALID_ARGUMENT for a malformed one; both name the
  // path, and the tensor where there is one.
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // The bytes of a tensor of this file.
  absl::string_view Data(const TensorInfo& tensor) const;

 private:
  SafetensorsFile() = default;

  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
  const char* map_ = nullptr;
  size_t size_ = 0;
};

struct TensorSpec {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
};

// Writes a file tensor by tensor, so that only one needs to be in memory.
class SafetensorsWriter {
 public:
  // Writes the header for `tensors`, in this order.
  static absl::StatusOr<std::unique_ptr<SafetensorsWriter>> Create(
      const std::string& path, const std::vector<TensorSpec>& tensors,
      const std::map<std::string, std::string>& metadata);
  ~SafetensorsWriter();

  // The bytes of the next tensor, or a piece of them: pieces follow one another.
  absl::Status Append(absl::string_view bytes);
  // Checks that every byte came. Returns the file's SHA-256, 64 hex digits; nothing is synced.
  absl::StatusOr<std::string> Finish();

 private:
  SafetensorsWriter();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tune
