// The weights of a model folder on their way into a run.
#pragma once

#include <string>

#include "recipe/model/model_folder.h"
#include "worker/trainer/optim/optimizer.h"
#include "worker/trainer/optim/parameters.h"

namespace tune::trainer {

// A parameter as the folder has it, in the folder's type.
at::Tensor FolderTensor(const ModelFolder& folder, const std::string& name);

// Loads the folder's weights into the optimizer's masters, and so into the parameters.
void LoadWeights(const ModelFolder& folder, const Parameters& parameters, AdamW* optimizer);
// The same without an optimizer: for generation.
void LoadWeights(const ModelFolder& folder, const Parameters& parameters);

}  // namespace tune::trainer
