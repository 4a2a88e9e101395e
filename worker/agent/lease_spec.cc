#include "worker/agent/lease_spec.h"

#include "absl/strings/str_cat.h"
#include "base/json_fields.h"
#include "base/status.h"

namespace tune::worker {
namespace {

const std::vector<Field<LeaseSpec>>& LeaseSpecFields() {
  using S = LeaseSpec;
  static const std::vector<Field<S>> fields = {
      {"model", ResourceField<S>{&S::model, "models"}, /*required=*/true},
      {"checkpoint_every", IntegerField<S>{&S::checkpoint_every, {0, INT64_MAX}}},
  };
  return fields;
}

}  // namespace

absl::StatusOr<LeaseSpec> ReadLeaseSpec(const v1::Lease& lease) {
  const std::string where = absl::StrCat("spec of the lease of ", lease.key().job());
  auto json = ParseJson(lease.spec_json());
  if (!json.ok()) return Annotate(json.status(), where);
  LeaseSpec spec;
  FieldErrors errors;
  if (CheckObject(*json, {"spec", &errors})) {
    ReadKnownFields(LeaseSpecFields(), *json, {"", &errors}, &spec);
  }
  RETURN_IF_ERROR(errors.ToStatus(where));
  spec.whole = *std::move(json);
  return spec;
}

}  // namespace tune::worker
