#include "server/core/quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune::server {
namespace {

using testing::HasSubstr;

TEST(Quotas, TheOwnGoesBeforeEveryones) {
  Quotas quotas;
  EXPECT_EQ(quotas.Of("ann"), Quota());
  quotas.Put(kEveryone, Quota{.running_jobs = 2});
  quotas.Put("ann", Quota{.running_jobs = {}, .gpus = 8});
  EXPECT_EQ(quotas.Of("ann").gpus, 8);
  EXPECT_EQ(quotas.Of("ann").running_jobs, std::nullopt);
  EXPECT_EQ(quotas.Of("bob").running_jobs, 2);
  quotas.Put("ann", std::nullopt);
  EXPECT_EQ(quotas.Of("ann").running_jobs, 2);
}

TEST(Quotas, TellWhatIsReached) {
  EXPECT_EQ(QuotaReached("ann", {}, {.jobs = 100, .gpus = 100}, 8), "");
  EXPECT_EQ(QuotaReached("ann", {.running_jobs = 2}, {.jobs = 1}, 0), "");
  EXPECT_THAT(QuotaReached("ann", {.running_jobs = 2}, {.jobs = 2}, 0),
              HasSubstr("ann may have 2 jobs"));
  const Quota gpus{.running_jobs = {}, .gpus = 4};
  EXPECT_EQ(QuotaReached("ann", gpus, {.jobs = 1, .gpus = 2}, 2), "");
  EXPECT_THAT(QuotaReached("ann", gpus, {.jobs = 1, .gpus = 3}, 2),
              HasSubstr("may have 4 GPUs at once, and has 3; the job takes 2"));
  EXPECT_EQ(QuotaReached("ann", gpus, {.jobs = 1, .gpus = 4}, 0), "") << "it takes none";
}

}  // namespace
}  // namespace tune::server
