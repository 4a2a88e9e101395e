#include "proto/wire/status.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

absl::Status RoundTrip(const absl::Status& status) { return FromGrpcStatus(ToGrpcStatus(status)); }

TEST(StatusTest, EveryCodeHasItsEqual) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "what happened");
    EXPECT_EQ(ToGrpcStatus(status).error_code(), code);
    EXPECT_EQ(RoundTrip(status), status);
  }
}

TEST(StatusTest, FieldErrorsCrossTheWire) {
  FieldErrors errors;
  errors.Add("epochs", "must be above 0, got -1");
  errors.Add("datasets[1].weight", "must be above 0");
  const absl::Status status = RoundTrip(errors.ToStatus("job"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), errors.ToStatus("job").message());
  EXPECT_EQ(FieldErrorsOf(status), errors.list());
}

TEST(StatusTest, FieldErrorsAreABadRequestToOthers) {
  FieldErrors errors;
  errors.Add("epochs", "must be above 0");
  google::rpc::Status proto;
  ASSERT_TRUE(proto.ParseFromString(ToGrpcStatus(errors.ToStatus("job")).error_details()));
  EXPECT_EQ(proto.code(), 3);
  EXPECT_EQ(proto.message(), "job: epochs: must be above 0");
  google::rpc::BadRequest bad_request;
  ASSERT_EQ(proto.details_size(), 1);
  ASSERT_TRUE(proto.details(0).UnpackTo(&bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "epochs");
}

TEST(StatusTest, ReasonCrossesTheWire) {
  const absl::Status status = RoundTrip(WithReason(absl::AbortedError("job ended"), kStaleEpoch));
  EXPECT_EQ(ReasonOf(status), "STALE_EPOCH");
  EXPECT_EQ(status.message(), "job ended");
  EXPECT_EQ(ReasonOf(absl::AbortedError("x")), "");
}

TEST(StatusTest, ReasonOfAnotherDomainIsNotOurs) {
  google::rpc::ErrorInfo info;
  info.set_domain("elsewhere.example");
  info.set_reason("STALE_EPOCH");
  google::rpc::Status proto;
  proto.add_details()->PackFrom(info);
  const grpc::Status grpc_status(grpc::StatusCode::ABORTED, "x", proto.SerializeAsString());
  EXPECT_EQ(ReasonOf(FromGrpcStatus(grpc_status)), "");
}

TEST(StatusTest, BrokenDetailsLeaveCodeAndMessage) {
  const grpc::Status grpc_status(grpc::StatusCode::ABORTED, "x", "\xff not a proto");
  EXPECT_EQ(FromGrpcStatus(grpc_status), absl::AbortedError("x"));
}

TEST(StatusTest, AnErrorForEveryRowOfAFileStaysBelowTheMetadataLimit) {
  FieldErrors errors;
  for (int row = 0; row < 10'000; ++row) {
    errors.Add(absl::StrCat("train.jsonl:", row), std::string(1000, 'x'));
  }
  const grpc::Status grpc_status = ToGrpcStatus(errors.ToStatus("dataset"));
  EXPECT_LT(3 * grpc_status.error_message().size() + grpc_status.error_details().size() * 4 / 3,
            size_t{60} << 10);
  const std::vector<FieldError> held = FieldErrorsOf(FromGrpcStatus(grpc_status));
  ASSERT_THAT(held, SizeIs(65));
  EXPECT_EQ(held.front().field, "train.jsonl:0");
  EXPECT_EQ(held.back().message, "and 9936 more");
}

TEST(StatusTest, BytesThatAreNotUtf8AreReplaced) {
  FieldErrors errors;
  errors.Add("row \xff", "bad \xfe byte");
  const absl::Status status = RoundTrip(errors.ToStatus("\xff"));
  EXPECT_THAT(FieldErrorsOf(status),
              ElementsAre(FieldError{"row \xEF\xBF\xBD", "bad \xEF\xBF\xBD byte"}));
  EXPECT_THAT(std::string(status.message()), HasSubstr("\xEF\xBF\xBD"));
}

}  // namespace
}  // namespace tune
