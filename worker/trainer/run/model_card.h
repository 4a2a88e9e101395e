// README.md of an exported model: YAML front matter as huggingface.co/docs/hub/model-cards
// describes it, then how the model was made.
#pragma once

#include <string>

#include "worker/trainer/run/lineage.h"

namespace tune::trainer {

std::string ModelCard(const Lineage& lineage);

}  // namespace tune::trainer
