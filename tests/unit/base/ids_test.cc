#include "base/ids.h"

#include <gtest/gtest.h>

namespace tune {
namespace {

TEST(NewUlid, SortsByTimeAndIsUnique) {
  const absl::Time now = absl::FromUnixMillis(1469918176385);
  const std::string id = NewUlid(now);
  EXPECT_EQ(id.substr(0, 10), "01aryz6s41");  // the spec's example time
  EXPECT_EQ(id.size(), 26u);
  EXPECT_NE(id, NewUlid(now));
  EXPECT_LT(id, NewUlid(now + absl::Milliseconds(1)));
}

TEST(NewUuid, HasVersionAndVariant) {
  const std::string id = NewUuid();
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
}

TEST(Ids, FollowTheRule) {
  for (const char* good : {"a", "demo-1", "a.b_c", "-x", "0"}) EXPECT_TRUE(IsId(good)) << good;
  EXPECT_TRUE(IsId(std::string(64, 'a')));
  for (const char* bad : {"", ".", "..", ".a", "A", "a/b", "a b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsId(bad)) << bad;
  }
  EXPECT_FALSE(IsId(std::string(65, 'a')));
  EXPECT_FALSE(IsId(std::string("a\0b", 3)));
}

TEST(Ids, AreMadeOfAnyText) {
  EXPECT_EQ(IdFrom("GPU Box_1.lab", "worker"), "gpu-box_1.lab");
  EXPECT_EQ(IdFrom(".hidden", "worker"), "_hidden");
  EXPECT_EQ(IdFrom("", "worker"), "worker");
  EXPECT_EQ(IdFrom(std::string(100, 'a'), "worker").size(), 64u);
}

}  // namespace
}  // namespace tune
