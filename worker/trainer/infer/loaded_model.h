// A model folder ready for inference: what `generate`, `logits` and `gradients` start
// from.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "worker/trainer/net/base_model.h"
#include "worker/trainer/net/make_network.h"
#include "worker/trainer/net/network.h"
#include "worker/trainer/optim/parameters.h"

namespace tune::trainer {

struct LoadedModel {
  BaseModel base;
  Parameters parameters;
  const std::unique_ptr<Network> network;

  LoadedModel(BaseModel opened, const at::Device& device, at::ScalarType type)
      : base(std::move(opened)),
        parameters(base.folder.config, device, type),
        network(MakeNetwork(base.folder.config, parameters)) {}
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;
};

// `device` and `precision` as in the run spec.
absl::StatusOr<std::unique_ptr<LoadedModel>> LoadModel(const std::string& path,
                                                       const std::string& device,
                                                       const std::string& precision);

}  // namespace tune::trainer
