// Phi, exactly as transformers 5.17 computes it (transformers/models/phi/modeling_phi.py).
#pragma once

#include <memory>

#include "recipe/model/model_config.h"
#include "worker/trainer/net/network.h"

namespace tune::trainer {

std::unique_ptr<Network> MakePhi(const ModelConfig& config, const Parameters& parameters);

}  // namespace tune::trainer
