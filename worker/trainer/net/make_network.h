// The networks of the families in recipe/model/model_family.h.
#pragma once

#include <memory>

#include "recipe/model/model_config.h"
#include "recipe/model/model_family.h"
#include "worker/trainer/net/network.h"

namespace tune::trainer {

// The network of the config's family. `parameters` must outlive it and hold what
// ModelTensors(config) names.
std::unique_ptr<Network> MakeNetwork(const ModelConfig& config, const Parameters& parameters);

}  // namespace tune::trainer
