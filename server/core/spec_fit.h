// Whether a worker's trainer can be given a stored spec without losing a setting of it. A field
// is named by its path, as in run/spec.h: "epochs", "eval.every", "datasets[].weight"; and a value
// that came later than its field as run/known_settings.h has it: "template=chat".
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune::server {

// The fields that a stored spec sets to another value than their default: those that a trainer
// must know, sorted. A field that this scheduler does not know has no default. DATA_LOSS where
// the text is no JSON object.
absl::StatusOr<std::vector<std::string>> FieldsSet(const std::string& spec_json);

// The stored spec as it is, but for the fields that the trainer lacks and that have their
// default: its strict reader would refuse them, and means the same without. DATA_LOSS as above.
absl::StatusOr<std::string> SpecFor(const std::string& spec_json,
                                    const std::vector<std::string>& known);

}  // namespace tune::server
