#include <gtest/gtest.h>

#include "tests/unit/server/rpc/running_scheduler.h"
#include "tune/v1/users.grpc.pb.h"

namespace tune::server {
namespace {

TEST(UserService, AQuotaIsSetListedAndTakenAway) {
  RunningScheduler scheduler;
  v1::UserService::Stub users(scheduler.channel());
  v1::SetQuotaRequest set;
  set.set_user("ann");
  set.mutable_quota()->set_gpus(4);
  ASSERT_TRUE(Call(users, &v1::UserService::Stub::SetQuota, set).ok());
  const auto list = Call(users, &v1::UserService::Stub::ListUsers, v1::ListUsersRequest());
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->users_size(), 1);
  EXPECT_EQ(list->users(0).id(), "ann");
  EXPECT_EQ(list->users(0).quota().gpus(), 4);
  EXPECT_FALSE(list->users(0).quota().has_running_jobs());
  set.mutable_quota()->set_gpus(-1);
  EXPECT_EQ(Call(users, &v1::UserService::Stub::SetQuota, set).status().code(),
            absl::StatusCode::kInvalidArgument);
  set.clear_quota();
  ASSERT_TRUE(Call(users, &v1::UserService::Stub::SetQuota, set).ok());
  EXPECT_EQ(Call(users, &v1::UserService::Stub::ListUsers, v1::ListUsersRequest())->users_size(),
            0);
}

}  // namespace
}  // namespace tune::server
