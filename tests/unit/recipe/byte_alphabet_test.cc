#include "recipe/tokenizer/byte_alphabet.h"

#include <gtest/gtest.h>

namespace tune {
namespace {

TEST(ByteAlphabetTest, SpellsEveryByteAndBack) {
  for (int b = 0; b < 256; ++b) {
    const auto bytes = SpelledBytes(ByteSpelling(b));
    ASSERT_TRUE(bytes.has_value());
    EXPECT_EQ(*bytes, std::string(1, static_cast<char>(b)));
  }
  EXPECT_EQ(ByteSpelling(' '), "Ġ");
  EXPECT_EQ(ByteSpelling('\n'), "Ċ");
  EXPECT_EQ(ByteSpelling(0xAD), "Ń");
  EXPECT_EQ(SpelledBytes("a b"), std::nullopt);
  EXPECT_EQ(SpelledBytes("中"), std::nullopt);
}

}  // namespace
}  // namespace tune
