#include "base/field_errors.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tune {
namespace {

constexpr char kPayload[] = "tune/field_errors";

}  // namespace

absl::Status FieldErrors::ToStatus(absl::string_view what) const {
  if (errors_.empty()) return absl::OkStatus();
  nlohmann::json payload = nlohmann::json::array();
  for (const FieldError& e : errors_) payload.push_back({e.field, e.message});
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(
      what, ": ", absl::StrJoin(errors_, "; ", [](std::string* out, const FieldError& e) {
        absl::StrAppend(out, e.field, ": ", e.message);
      })));
  // Bytes that are not UTF-8 (a broken row) are shown replaced, never thrown over.
  status.SetPayload(
      kPayload, absl::Cord(payload.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return status;
}

std::vector<FieldError> FieldErrorsOf(const absl::Status& status) {
  std::vector<FieldError> errors;
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return errors;
  for (const auto& pair : nlohmann::json::parse(std::string(*payload))) {
    errors.push_back({pair.at(0), pair.at(1)});
  }
  return errors;
}

}  // namespace tune
