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

}  // namespace
}  // namespace tune
