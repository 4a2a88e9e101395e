#include "server/core/validation.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "run/prompt_template.h"

namespace tune::server {
namespace {

void CheckWhole(const std::string& resource, const std::string& field, const KnownInputs& known,
                FieldErrors& errors) {
  const auto found = known.damaged.find(resource);
  if (found != known.damaged.end()) errors.Add(field, absl::StrCat(resource, " ", found->second));
}

void CheckModel(const RunSpec& spec, const KnownInputs& known, FieldErrors& errors) {
  if (!known.model) {
    errors.Add("model", absl::StrCat("there is no ", spec.model,
                                     "; push one with tunectl models "
                                     "push ",
                                     absl::StripPrefix(spec.model, "models/"), " DIR"));
  } else if (spec.max_length > known.model->max_position_embeddings) {
    errors.Add("max_length",
               absl::StrCat("must be at most ", known.model->max_position_embeddings,
                            ", the positions of ", spec.model, ", got ", spec.max_length));
  }
  CheckWhole(spec.model, "model", known, errors);
}

void CheckDataset(const std::string& dataset, const std::string& field, const KnownInputs& known,
                  FieldErrors& errors) {
  if (known.datasets.count(dataset) > 0) return CheckWhole(dataset, field, known, errors);
  errors.Add(field, absl::StrCat("there is no ", dataset, "; push one with tunectl datasets push ",
                                 absl::StripPrefix(dataset, "datasets/"), " FILE"));
}

}  // namespace

std::vector<std::string> DatasetNames(const RunSpec& spec) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const DatasetSource& source : spec.datasets) add(source.dataset);
  if (EvaluatesOnDataset(spec)) add(spec.eval->dataset);
  return names;
}

absl::Status ValidateSpec(const RunSpec& spec, const KnownInputs& known) {
  FieldErrors errors;
  CheckModel(spec, known, errors);
  for (size_t i = 0; i < spec.datasets.size(); ++i) {
    CheckDataset(spec.datasets[i].dataset, absl::StrCat("datasets[", i, "].dataset"), known,
                 errors);
  }
  if (EvaluatesOnDataset(spec)) CheckDataset(spec.eval->dataset, "eval.dataset", known, errors);
  const absl::Status placeholders = PromptTemplate::CheckPlaceholders(spec.prompt_template);
  if (!placeholders.ok()) errors.Add("template", std::string(placeholders.message()));
  return errors.ToStatus("job spec");
}

}  // namespace tune::server
