#include "server/core/source_list.h"

#include "base/json_number.h"
#include "server/core/row_list.h"

namespace tune::server {
namespace {

constexpr IntegerLimits kCount = {0, INT64_MAX};

// A number that may be NaN, or infinite where a loss blew up.
template <double SourceProgress::*member>
CustomField<SourceProgress> AnyNumber() {
  return {[](const Json& json, const FieldContext& at, SourceProgress* out) {
            const auto number = NumberOfJson(json);
            if (!number) return at.Error("must be a number");
            out->*member = *number;
          },
          [](const SourceProgress& from) { return JsonNumber(from.*member); }};
}

const std::vector<Field<SourceProgress>>& SourceFields() {
  using S = SourceProgress;
  static const std::vector<Field<S>> fields = {
      {"source", ResourceField<S>{&S::source, "datasets"}, /*required=*/true},
      {"loss", AnyNumber<&S::loss>()},
      {"loss_tokens", AnyNumber<&S::loss_tokens>()},
      {"eval_loss", AnyNumber<&S::eval_loss>()},
      {"examples", IntegerField<S>{&S::examples, kCount}},
      {"tokens", IntegerField<S>{&S::tokens, kCount}},
      {"target_tokens", IntegerField<S>{&S::target_tokens, kCount}},
  };
  return fields;
}

}  // namespace

Json SourcesToJson(const std::vector<SourceProgress>& sources) {
  return RowsToJson(SourceFields(), sources);
}

absl::StatusOr<std::vector<SourceProgress>> SourcesFromJson(const Json& json) {
  return RowsFromJson(SourceFields(), "sources", json);
}

}  // namespace tune::server
