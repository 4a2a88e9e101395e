// Phi's config.json, as transformers' PhiConfig reads it
// (transformers/models/phi/configuration_phi.py), and its parameters: a row of the table in
// recipe/model/model_family.h.
#pragma once

#include <vector>

#include "base/field_errors.h"
#include "base/json.h"
#include "recipe/model/model_config.h"

namespace tune {

void ReadPhiConfig(const Json& json, FieldErrors* errors, ModelConfig* config);
void WritePhiConfig(const ModelConfig& config, Json* json);
std::vector<NamedShape> PhiTensors(const ModelConfig& config);

}  // namespace tune
