// A spec against the registry: what RunSpecFromJson cannot know.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "run/spec.h"
#include "server/core/registry.h"

namespace tune::server {

// What the registry has of the names that the spec uses.
struct KnownInputs {
  std::optional<Model> model;
  std::map<std::string, Dataset> datasets;  // by "datasets/NAME"
  // Of those that cannot be read now, "models/NAME" or "datasets/NAME": why, and what to do.
  std::map<std::string, std::string> damaged;
};

// Every dataset the spec names, each once: those to train on in order, then the eval set.
std::vector<std::string> DatasetNames(const RunSpec& spec);

// All field errors at once, each with what to do.
absl::Status ValidateSpec(const RunSpec& spec, const KnownInputs& known);

}  // namespace tune::server
