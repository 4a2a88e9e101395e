#include "server/core/data_use.h"

#include "server/core/row_list.h"

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

Json DataUseToJson(const std::vector<DataUse>& data) { return RowsToJson(DataUseFields(), data); }

absl::StatusOr<std::vector<DataUse>> DataUseFromJson(const Json& json) {
  return RowsFromJson(DataUseFields(), "data", json);
}

}  // namespace tune::server
