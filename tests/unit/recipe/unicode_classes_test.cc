#include "recipe/tokenizer/unicode_classes.h"

#include <gtest/gtest.h>

namespace tune {
namespace {

TEST(UnicodeClassesTest, KnowsTheClassesAtTheirEdges) {
  EXPECT_EQ(ClassOf('a'), CharClass::kLetter);
  EXPECT_EQ(ClassOf('9'), CharClass::kNumber);
  EXPECT_EQ(ClassOf(' '), CharClass::kSpace);
  EXPECT_EQ(ClassOf(0x1C), CharClass::kOther);
  EXPECT_EQ(ClassOf(0x85), CharClass::kSpace);
  EXPECT_EQ(ClassOf(0x4E00), CharClass::kLetter);
  EXPECT_EQ(ClassOf(0x2167), CharClass::kNumber);   // Roman numeral eight
  EXPECT_EQ(ClassOf(0x105C0), CharClass::kLetter);  // Todhri, new in Unicode 16
  EXPECT_EQ(ClassOf(0x180E), CharClass::kOther);
  EXPECT_EQ(ClassOf(0x10FFFF), CharClass::kOther);
}

}  // namespace
}  // namespace tune
