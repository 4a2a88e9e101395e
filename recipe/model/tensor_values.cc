#include "recipe/model/tensor_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace tune {
namespace {

// Exponent bits, which are all set in infinities and NaNs and in nothing else (IEEE 754; bfloat16
// has float's).
constexpr uint32_t kF32Exponent = 0x7f800000;
constexpr uint16_t kF16Exponent = 0x7c00;
constexpr uint16_t kBF16Exponent = 0x7f80;

// Values are copied in blocks of this size that stay in the first cache: that aligns them, and a
// loop of constant length over them is one that the compiler vectorizes.
constexpr size_t kBlockBytes = 4096;

template <class Word>
int64_t FirstWithExponent(absl::string_view bytes, Word exponent) {
  constexpr size_t kWords = kBlockBytes / sizeof(Word);
  Word words[kWords] = {};
  for (size_t begin = 0; begin < bytes.size(); begin += kBlockBytes) {
    const size_t size = std::min(kBlockBytes, bytes.size() - begin);
    if (size < kBlockBytes) std::fill_n(words, kWords, Word{0});
    std::memcpy(words, bytes.data() + begin, size);
    Word bad = 0;
    for (size_t i = 0; i < kWords; ++i) bad |= (words[i] & exponent) == exponent ? 1 : 0;
    if (bad == 0) continue;
    const Word* found =
        std::find_if(words, words + kWords, [&](Word w) { return (w & exponent) == exponent; });
    return static_cast<int64_t>(begin / sizeof(Word)) + (found - words);
  }
  return -1;
}

float FloatOfF16(uint16_t bits) {
  const int exponent = (bits & kF16Exponent) >> 10;
  const int fraction = bits & 0x3ff;
  float value = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                              : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  }
  return bits & 0x8000 ? -value : value;
}

float ValueAt(const TensorValues& values, int64_t index) {
  const char* at = values.bytes.data() + index * DTypeBytes(values.dtype);
  if (values.dtype == DType::kF32) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, at, sizeof(bits));
  if (values.dtype == DType::kF16) return FloatOfF16(bits);
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

}  // namespace

int64_t FirstNonFinite(const TensorValues& values) {
  switch (values.dtype) {
    case DType::kF32:
      return FirstWithExponent(values.bytes, kF32Exponent);
    case DType::kF16:
      return FirstWithExponent(values.bytes, kF16Exponent);
    default:
      return FirstWithExponent(values.bytes, kBF16Exponent);
  }
}

int64_t FirstDifference(const TensorValues& a, const TensorValues& b) {
  if (a.dtype == b.dtype && a.bytes == b.bytes) return -1;
  const auto count = static_cast<int64_t>(a.bytes.size()) / DTypeBytes(a.dtype);
  for (int64_t i = 0; i < count; ++i) {
    if (ValueAt(a, i) != ValueAt(b, i)) return i;
  }
  return -1;
}

}  // namespace tune
