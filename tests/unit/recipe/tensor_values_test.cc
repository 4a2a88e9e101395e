#include "recipe/model/tensor_values.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace tune {
namespace {

template <class Word>
std::string Bytes(const std::vector<Word>& words) {
  return std::string(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(Word));
}

// Values that differ from an infinity or a NaN in one bit, then one that does not.
TEST(FirstNonFinite, TellsInfinitiesAndNansInEveryType) {
  EXPECT_EQ(FirstNonFinite({DType::kF32, Bytes<uint32_t>({0x7f7fffff, 0xff7fffff, 0x7f800000})}),
            2);
  EXPECT_EQ(FirstNonFinite({DType::kF32, Bytes<uint32_t>({0, 0xffc00001})}), 1);
  EXPECT_EQ(FirstNonFinite({DType::kF16, Bytes<uint16_t>({0x7bff, 0xfbff, 0xfc00})}), 2);
  EXPECT_EQ(FirstNonFinite({DType::kBF16, Bytes<uint16_t>({0x7f7f, 0x7c00, 0x7f81})}), 2);
  EXPECT_EQ(FirstNonFinite({DType::kBF16, Bytes<uint16_t>({0x7f7f, 0x7c00})}), -1);
  EXPECT_EQ(FirstNonFinite({DType::kF32, ""}), -1);
}

// Blocks, what is left after the last, and any address.
TEST(FirstNonFinite, FindsTheFirstWhereverItIs) {
  const std::vector<float> zeros(5000);
  for (const size_t place : {0, 1, 1023, 1024, 2048, 4999}) {
    std::vector<float> values = zeros;
    values[place] = values[4999] = -__builtin_inff();
    const std::string bytes = "x" + Bytes(values);
    EXPECT_EQ(FirstNonFinite({DType::kF32, absl::string_view(bytes).substr(1)}),
              static_cast<int64_t>(place));
  }
  EXPECT_EQ(FirstNonFinite({DType::kF32, Bytes(zeros)}), -1);
}

TEST(FirstDifference, ComparesNumbersOfAnyTypes) {
  const std::string f32 = Bytes<float>({1, -0.5, 65504, 0x1p-24, 0});
  const std::string f16 = Bytes<uint16_t>({0x3c00, 0xb800, 0x7bff, 0x0001, 0x8000});
  EXPECT_EQ(FirstDifference({DType::kF32, f32}, {DType::kF16, f16}), -1);
  EXPECT_EQ(FirstDifference({DType::kF32, f32}, {DType::kF32, f32}), -1);
  const std::string bf16 = Bytes<uint16_t>({0x3f80, 0xbf00, 0x4780, 0, 0});  // 65536 at 2
  EXPECT_EQ(FirstDifference({DType::kF32, f32}, {DType::kBF16, bf16}), 2);
  EXPECT_EQ(
      FirstDifference({DType::kF32, Bytes<float>({0, 1})}, {DType::kF32, Bytes<float>({-0.0f, 2})}),
      1);
}

}  // namespace
}  // namespace tune
