#include "recipe/model/safetensors.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/hashed_file.h"
#include "base/json.h"
#include "base/status.h"

namespace tune {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are used as they lie");

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as in the reference implementation
constexpr size_t kHeaderAlignment = 8;
constexpr char kMetadataKey[] = "__metadata__";

struct DTypeRow {
  DType dtype;
  absl::string_view name;
  int64_t bits;
};
constexpr DTypeRow kDTypes[] = {
    {DType::kF32, "F32", 32},
    {DType::kF16, "F16", 16},
    {DType::kBF16, "BF16", 16},
    {DType::kI64, "I64", 64},
    {DType::kU8, "U8", 8},
    {DType::kBool, "BOOL", 8},
    {DType::kI8, "I8", 8},
    {DType::kI16, "I16", 16},
    {DType::kU16, "U16", 16},
    {DType::kI32, "I32", 32},
    {DType::kU32, "U32", 32},
    {DType::kU64, "U64", 64},
    {DType::kF64, "F64", 64},
    {DType::kC64, "C64", 64},
    {DType::kF8E5M2, "F8_E5M2", 8},
    {DType::kF8E4M3, "F8_E4M3", 8},
    {DType::kF8E8M0, "F8_E8M0", 8},
    {DType::kF8E5M2Fnuz, "F8_E5M2FNUZ", 8},
    {DType::kF8E4M3Fnuz, "F8_E4M3FNUZ", 8},
    {DType::kF6E2M3, "F6_E2M3", 6},
    {DType::kF6E3M2, "F6_E3M2", 6},
    {DType::kF4, "F4", 4},
};

const DTypeRow& RowOf(DType dtype) {
  return *std::find_if(std::begin(kDTypes), std::end(kDTypes),
                       [dtype](const DTypeRow& row) { return row.dtype == dtype; });
}

absl::Status Malformed(absl::string_view what) { return absl::InvalidArgumentError(what); }

// Bytes of a tensor of this shape; an error where its bits are beyond int64, or fill no whole
// bytes.
absl::StatusOr<int64_t> ShapeBytes(DType dtype, const std::vector<int64_t>& shape) {
  int64_t bits = RowOf(dtype).bits;
  for (const int64_t dimension : shape) {
    if (dimension < 0) return Malformed(absl::StrCat("shape has a negative size ", dimension));
    if (__builtin_mul_overflow(bits, dimension, &bits)) {
      return Malformed("shape is too large for any file");
    }
  }
  if (bits % 8 == 0) return bits / 8;
  return Malformed(absl::StrCat("has ", bits, " bits, which are no whole bytes"));
}

absl::StatusOr<std::vector<int64_t>> SizesOf(const SortedJson& json, absl::string_view key) {
  if (!json.is_array()) return Malformed(absl::StrCat(key, " is no list"));
  std::vector<int64_t> sizes;
  for (const SortedJson& size : json) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
      return Malformed(absl::StrCat(key, " holds something other than sizes from 0 to 2^63-1"));
    }
    sizes.push_back(size.get<int64_t>());
  }
  return sizes;
}

absl::StatusOr<DType> DTypeOf(const SortedJson& json) {
  if (!json.is_string()) return Malformed("dtype is no string");
  return DTypeFromName(json.get_ref<const std::string&>());
}

// One entry of the header; the offset is counted from `data_begin` to the file's.
absl::StatusOr<TensorInfo> TensorOf(const SortedJson& json, int64_t data_begin) {
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return Malformed("must have exactly dtype, shape and data_offsets");
  }
  TensorInfo info;
  ASSIGN_OR_RETURN(info.dtype, DTypeOf(json["dtype"]));
  ASSIGN_OR_RETURN(info.shape, SizesOf(json["shape"], "shape"));
  ASSIGN_OR_RETURN(const auto offsets, SizesOf(json["data_offsets"], "data_offsets"));
  ASSIGN_OR_RETURN(info.bytes, ShapeBytes(info.dtype, info.shape));
  if (offsets.size() != 2 || offsets[1] < offsets[0]) {
    return Malformed("data_offsets must be [begin, end]");
  }
  if (offsets[1] - offsets[0] != info.bytes) {
    return Malformed(absl::StrCat("has ", offsets[1] - offsets[0], " bytes of data, but ",
                                  DTypeName(info.dtype), " [", absl::StrJoin(info.shape, ", "),
                                  "] takes ", info.bytes));
  }
  if (__builtin_add_overflow(offsets[0], data_begin, &info.offset)) {
    return Malformed("data_offsets are too large for any file");
  }
  return info;
}

absl::Status ReadMetadata(const SortedJson& json, std::map<std::string, std::string>* out) {
  if (!json.is_object()) return Malformed("__metadata__ is no object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) {
      return Malformed(absl::StrCat("__metadata__: \"", key, "\" is no string"));
    }
    (*out)[key] = value.get<std::string>();
  }
  return absl::OkStatus();
}

struct Header {
  std::map<std::string, TensorInfo> tensors;
  std::map<std::string, std::string> metadata;
};

absl::StatusOr<Header> ParseHeader(absl::string_view text, int64_t data_begin) {
  if (text.empty() || text[0] != '{') return Malformed("the header does not begin with '{'");
  auto json = ParseSortedJson(text);
  if (!json.ok()) return Annotate(json.status(), "header");
  Header header;
  for (const auto& [name, entry] : json->items()) {
    if (name == kMetadataKey) {
      RETURN_IF_ERROR(ReadMetadata(entry, &header.metadata));
      continue;
    }
    auto tensor = TensorOf(entry, data_begin);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("tensor \"", name, "\""));
    header.tensors[name] = *std::move(tensor);
  }
  return header;
}

// Tensors lie end to end from `data_begin`; returns where the last one ends.
absl::StatusOr<int64_t> CheckContiguous(const std::map<std::string, TensorInfo>& tensors,
                                        int64_t data_begin) {
  std::vector<std::pair<std::pair<int64_t, int64_t>, absl::string_view>> order;
  for (const auto& [name, t] : tensors) order.push_back({{t.offset, t.bytes}, name});
  std::sort(order.begin(), order.end());
  int64_t end = data_begin;
  for (const auto& [place, name] : order) {
    const auto [offset, bytes] = place;
    if (offset != end) {
      return Malformed(absl::StrCat("tensor \"", name, "\" begins at byte ", offset - data_begin,
                                    " of the data, ", offset < end ? "inside" : "a hole after",
                                    " the tensor before it, which ends at ", end - data_begin));
    }
    if (__builtin_add_overflow(end, bytes, &end)) return Malformed("too large for any file");
  }
  return end;
}

absl::Status Truncated(uint64_t missing, absl::string_view of) {
  return absl::DataLossError(absl::StrCat("is truncated: ", missing, " bytes of the ", of,
                                          " are missing; fetch the file again"));
}

absl::StatusOr<Header> CheckFile(absl::string_view file) {
  if (file.size() < kLengthBytes) return Truncated(kLengthBytes - file.size(), "header's length");
  uint64_t header_bytes;
  std::memcpy(&header_bytes, file.data(), kLengthBytes);
  if (header_bytes > kMaxHeaderBytes) {
    return Malformed(absl::StrCat("the header's length is ", header_bytes, ", the limit is ",
                                  kMaxHeaderBytes, "; this is no safetensors file"));
  }
  const uint64_t data_begin = kLengthBytes + header_bytes;
  if (data_begin > file.size()) return Truncated(data_begin - file.size(), "header");
  ASSIGN_OR_RETURN(Header header, ParseHeader(file.substr(kLengthBytes, header_bytes),
                                              static_cast<int64_t>(data_begin)));
  ASSIGN_OR_RETURN(const int64_t end,
                   CheckContiguous(header.tensors, static_cast<int64_t>(data_begin)));
  const auto size = static_cast<int64_t>(file.size());
  if (end > size) return Truncated(end - size, "tensors");
  if (end < size) return Malformed(absl::StrCat(size - end, " bytes follow the last tensor"));
  return header;
}

// A file descriptor that is closed with the scope.
struct ReadOnlyFile {
  ~ReadOnlyFile() { close(fd); }
  const int fd;
};

absl::StatusOr<size_t> SizeOf(const ReadOnlyFile& file, const std::string& path) {
  struct stat info;
  if (fstat(file.fd, &info) != 0) return ErrnoStatus(path, "stat");
  return static_cast<size_t>(info.st_size);
}

}  // namespace

bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

int64_t DTypeBytes(DType dtype) { return RowOf(dtype).bits / 8; }

absl::string_view DTypeName(DType dtype) { return RowOf(dtype).name; }

absl::StatusOr<DType> DTypeFromName(absl::string_view name) {
  for (const DTypeRow& row : kDTypes) {
    if (row.name == name) return row.dtype;
  }
  return Malformed(absl::StrCat("dtype \"", name, "\" is no type of the safetensors format"));
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(const int fd, OpenRegularFile(path));
  const ReadOnlyFile input{fd};
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile);
  ASSIGN_OR_RETURN(file->size_, SizeOf(input, path));
  if (file->size_ > 0) {
    void* map = mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, input.fd, 0);
    if (map == MAP_FAILED) return ErrnoStatus(path, "mmap");
    file->map_ = static_cast<const char*>(map);
  }
  auto header = CheckFile(absl::string_view(file->map_, file->size_));
  if (!header.ok()) return Annotate(header.status(), path);
  file->tensors_ = std::move(header->tensors);
  file->metadata_ = std::move(header->metadata);
  return file;
}

SafetensorsFile::~SafetensorsFile() {
  if (map_ != nullptr) munmap(const_cast<char*>(map_), size_);
}

absl::string_view SafetensorsFile::Data(const TensorInfo& tensor) const {
  return absl::string_view(map_ + tensor.offset, tensor.bytes);
}

struct SafetensorsWriter::State {
  std::unique_ptr<HashedFile> file;
  int64_t expected = 0;
  int64_t written = 0;
};

namespace {

// The header's JSON, padded with spaces, and the bytes of all tensors together.
struct HeaderText {
  std::string text;
  int64_t data_bytes = 0;
};

absl::Status AddTensor(const TensorSpec& tensor, int64_t* end, Json* header) {
  ASSIGN_OR_RETURN(const int64_t bytes, ShapeBytes(tensor.dtype, tensor.shape));
  if (const int64_t size = DTypeBytes(tensor.dtype); size > 0 && *end % size != 0) {
    return Malformed("would not be aligned; write types of larger elements first");
  }
  const int64_t begin = *end;
  if (__builtin_add_overflow(begin, bytes, end)) return Malformed("too large for any file");
  header->push_back({tensor.name, Json{{"dtype", DTypeName(tensor.dtype)},
                                       {"shape", tensor.shape},
                                       {"data_offsets", {begin, *end}}}});
  return absl::OkStatus();
}

absl::StatusOr<HeaderText> MakeHeader(const std::vector<TensorSpec>& tensors,
                                      const std::map<std::string, std::string>& metadata) {
  HeaderText header;
  Json json = Json::object();
  if (!metadata.empty()) json[kMetadataKey] = metadata;
  std::set<absl::string_view> names = {kMetadataKey};
  for (const TensorSpec& tensor : tensors) {
    absl::Status added = names.insert(tensor.name).second
                             ? AddTensor(tensor, &header.data_bytes, &json)
                             : Malformed("this name is taken");
    if (!added.ok()) return Annotate(added, absl::StrCat("tensor \"", tensor.name, "\""));
  }
  header.text = DumpJson(json);
  header.text.resize(
      (header.text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  if (header.text.size() > kMaxHeaderBytes) return Malformed("too many tensors for one header");
  return header;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter() : state_(std::make_unique<State>()) {}
SafetensorsWriter::~SafetensorsWriter() = default;

absl::StatusOr<std::unique_ptr<SafetensorsWriter>> SafetensorsWriter::Create(
    const std::string& path, const std::vector<TensorSpec>& tensors,
    const std::map<std::string, std::string>& metadata) {
  const auto header = MakeHeader(tensors, metadata);
  if (!header.ok()) return Annotate(header.status(), path);
  std::unique_ptr<SafetensorsWriter> writer(new SafetensorsWriter);
  writer->state_->expected = header->data_bytes;
  ASSIGN_OR_RETURN(writer->state_->file, HashedFile::Open(path));
  const uint64_t length = header->text.size();
  char length_bytes[kLengthBytes];
  std::memcpy(length_bytes, &length, kLengthBytes);
  RETURN_IF_ERROR(writer->state_->file->Write(absl::string_view(length_bytes, kLengthBytes)));
  RETURN_IF_ERROR(writer->state_->file->Write(header->text));
  return writer;
}

absl::Status SafetensorsWriter::Append(absl::string_view bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  if (size > state_->expected - state_->written) {
    return absl::InvalidArgumentError(absl::StrCat(state_->file->path(), ": more bytes than the ",
                                                   state_->expected,
                                                   " that the header's tensors take"));
  }
  state_->written += size;
  return state_->file->Write(bytes);
}

absl::StatusOr<std::string> SafetensorsWriter::Finish() {
  if (state_->written != state_->expected) {
    return absl::InvalidArgumentError(absl::StrCat(state_->file->path(), ": ",
                                                   state_->expected - state_->written,
                                                   " bytes of the tensors were not given"));
  }
  return state_->file->Finish();
}

}  // namespace tune
