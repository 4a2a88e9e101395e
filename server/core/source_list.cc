#include "server/core/source_list.h"

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/json_fields.h"
#include "base/json_number.h"

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
  Json json = Json::array();
  for (const SourceProgress& source : sources) json.push_back(WriteFields(SourceFields(), source));
  return json;
}

absl::StatusOr<std::vector<SourceProgress>> SourcesFromJson(const Json& json) {
  std::vector<SourceProgress> sources;
  FieldErrors errors;
  if (!json.is_array()) errors.Add("sources", "must be a list");
  for (size_t i = 0; errors.empty() && i < json.size(); ++i) {
    const FieldContext at{absl::StrCat("sources[", i, "]"), &errors};
    if (CheckObject(json[i], at)) ReadFields(SourceFields(), json[i], at, &sources.emplace_back());
  }
  if (errors.empty()) return sources;
  return absl::DataLossError(errors.ToStatus("sources").message());
}

}  // namespace tune::server
