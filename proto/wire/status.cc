#include "proto/wire/status.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/utf8.h"

namespace tune {
namespace {

constexpr char kReasonPayload[] = "tune/reason";
constexpr char kDomain[] = "tune";
// Message and details share the trailing metadata with its limit (transport.cc), and
// gRPC writes a byte of the message that is not ASCII as three.
constexpr size_t kMaxMessage = 2048;
constexpr size_t kMaxDescription = 256;
constexpr size_t kMaxViolations = 64;

// At most `limit` bytes; what is not UTF-8 becomes U+FFFD, as a proto string must be UTF-8.
std::string Cut(absl::string_view text, size_t limit) {
  const absl::string_view kept = CutUtf8(text, limit);
  return ReplaceInvalidUtf8(kept) + (kept.size() < text.size() ? "…" : "");
}

google::rpc::BadRequest ToBadRequest(const std::vector<FieldError>& errors) {
  google::rpc::BadRequest bad_request;
  for (size_t i = 0; i < std::min(errors.size(), kMaxViolations); ++i) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(Cut(errors[i].field, kMaxDescription));
    violation->set_description(Cut(errors[i].message, kMaxDescription));
  }
  if (errors.size() > kMaxViolations) {
    auto* rest = bad_request.add_field_violations();
    rest->set_field("…");
    rest->set_description(absl::StrCat("and ", errors.size() - kMaxViolations, " more"));
  }
  return bad_request;
}

void AddBadRequest(const absl::Status& status, google::rpc::Status& proto) {
  const std::vector<FieldError> errors = FieldErrorsOf(status);
  if (!errors.empty()) proto.add_details()->PackFrom(ToBadRequest(errors));
}

void AddErrorInfo(const absl::Status& status, google::rpc::Status& proto) {
  google::rpc::ErrorInfo info;
  info.set_reason(ReasonOf(status));
  info.set_domain(kDomain);
  if (!info.reason().empty()) proto.add_details()->PackFrom(info);
}

void TakeFieldErrors(const google::rpc::BadRequest& bad_request, absl::Status& status) {
  FieldErrors errors;
  for (const auto& violation : bad_request.field_violations()) {
    errors.Add(violation.field(), violation.description());
  }
  errors.ToStatus("").ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
}

void TakeDetail(const google::protobuf::Any& detail, absl::Status& status) {
  google::rpc::BadRequest bad_request;
  google::rpc::ErrorInfo info;
  if (detail.UnpackTo(&bad_request)) {
    TakeFieldErrors(bad_request, status);
  } else if (detail.UnpackTo(&info) && info.domain() == kDomain) {
    status = WithReason(std::move(status), info.reason());
  }
}

}  // namespace

absl::Status WithReason(absl::Status status, const std::string& reason) {
  status.SetPayload(kReasonPayload, absl::Cord(reason));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  return std::string(status.GetPayload(kReasonPayload).value_or(absl::Cord()));
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status proto;
  AddBadRequest(status, proto);
  AddErrorInfo(status, proto);
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message = Cut(status.message(), kMaxMessage);
  if (proto.details().empty()) return grpc::Status(code, message);
  proto.set_code(status.raw_code());
  proto.set_message(message);  // some clients, grpcurl among them, show only this one
  return grpc::Status(code, message, proto.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status proto;
  if (status.ok() || !proto.ParseFromString(status.error_details())) return result;
  for (const auto& detail : proto.details()) TakeDetail(detail, result);
  return result;
}

}  // namespace tune
