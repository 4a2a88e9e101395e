// A checkpoint of a training that no run is around.
#pragma once

#include <string>

#include "worker/trainer/run/checkpoint.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {

inline absl::Status SaveTraining(const std::string& path, const Setup& setup, Training* training,
                                 Ranks& ranks) {
  const Lineage lineage = setup.MakeLineage();
  const ModelConfig& config = setup.base.folder.config;
  const ResumableState state{&training->parameters(), &training->optimizer()};
  const ExportedModel model{
      .config = &config,
      .model_path = setup.base.path,
      .end_token = setup.base.tokenizer->TokenBytes(static_cast<int32_t>(config.eos_token_id)),
      .weights = training->Masters(),
      .dtype = DType::kF32};
  return WriteCheckpoint(path, model, lineage, &state, ranks).status();
}

}  // namespace tune::trainer
