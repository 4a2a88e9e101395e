#include "recipe/model/model_family.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "recipe/model/phi.h"

namespace tune {

absl::Span<const ModelFamily> ModelFamilies() {
  static constexpr std::array<ModelFamily, 1> kFamilies = {
      {{"phi", "Phi", "PhiForCausalLM", ReadPhiConfig, WritePhiConfig, PhiTensors}}};
  return kFamilies;
}

const ModelFamily& FamilyOf(const ModelConfig& config) {
  const auto families = ModelFamilies();
  const auto found = std::find_if(families.begin(), families.end(), [&](const ModelFamily& f) {
    return f.name == config.model_type;
  });
  assert(found != families.end());
  return *found;
}

}  // namespace tune
