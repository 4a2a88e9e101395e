#include "server/core/data_use.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/json_fields.h"

namespace tune::server {
namespace {

constexpr IntegerLimits kCount = {0, INT64_MAX};

const std::vector<Field<DataUse>>& DataUseFields() {
  using D = DataUse;
  static const std::vector<Field<D>> fields = {
      {"dataset", ResourceField<D>{&D::dataset, "datasets"}, /*required=*/true},
      {"rows", IntegerField<D>{&D::rows, kCount}},
      {"used", IntegerField<D>{&D::used, kCount}},
      {"truncated", IntegerField<D>{&D::truncated, kCount}},
      {"dropped", IntegerField<D>{&D::dropped, kCount}},
      {"without_targets", IntegerField<D>{&D::without_targets, kCount}},
      {"tokens", IntegerField<D>{&D::tokens, kCount}},
      {"target_tokens", IntegerField<D>{&D::target_tokens, kCount}},
  };
  return fields;
}

}  // namespace

Json DataUseToJson(const std::vector<DataUse>& data) {
  Json json = Json::array();
  for (const DataUse& use : data) json.push_back(WriteFields(DataUseFields(), use));
  return json;
}

absl::StatusOr<std::vector<DataUse>> DataUseFromJson(const Json& json) {
  std::vector<DataUse> data;
  FieldErrors errors;
  if (!json.is_array()) errors.Add("data", "must be a list");
  for (size_t i = 0; errors.empty() && i < json.size(); ++i) {
    const FieldContext at{absl::StrCat("data[", i, "]"), &errors};
    if (CheckObject(json[i], at)) ReadFields(DataUseFields(), json[i], at, &data.emplace_back());
  }
  if (errors.empty()) return data;
  return absl::DataLossError(errors.ToStatus("data").message());
}

}  // namespace tune::server
