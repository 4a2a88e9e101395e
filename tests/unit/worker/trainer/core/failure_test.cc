#include "worker/trainer/core/failure.h"

#include <gtest/gtest.h>

namespace tune::trainer {
namespace {

TEST(WithReasonTest, IsOfContentAlone) {
  for (const absl::Status& status :
       {absl::InvalidArgumentError("x"), absl::DataLossError("x"), absl::OutOfRangeError("x")}) {
    EXPECT_EQ(FailureOf(WithReason(status, kBadData)).reason, kBadData) << status;
    EXPECT_EQ(FailureOf(WithReason(Fail(kRowTooLong, "x"), kBadData)).reason, kRowTooLong);
  }
  EXPECT_TRUE(WithReason(absl::OkStatus(), kBadData).ok());
}

// Whatever keeps a host from its files costs the job that reads them nothing.
TEST(WithReasonTest, WhatAHostCannotReadIsItsOwnFault) {
  for (const absl::Status& status :
       {absl::PermissionDeniedError("x"), absl::InternalError("x"), absl::UnknownError("x"),
        absl::NotFoundError("x"), absl::FailedPreconditionError("x"), absl::UnimplementedError("x"),
        absl::ResourceExhaustedError("x")}) {
    const Failure failure = FailureOf(WithReason(status, kBadData));
    const Reason* reason = FindReason(failure.reason);
    ASSERT_NE(reason, nullptr) << failure.reason;
    EXPECT_EQ(reason->fault, Fault::kWorker) << status << " is " << failure.reason;
    EXPECT_EQ(reason->cost, Cost::kNothing) << status;
    EXPECT_TRUE(failure.retryable);
  }
}

TEST(FailureOfTest, AnExceptionIsInternal) {
  const absl::Status status =
      CatchExceptions([]() -> absl::Status { throw std::runtime_error("x"); });
  EXPECT_EQ(FailureOf(status).reason, kInternal);
}

}  // namespace
}  // namespace tune::trainer
