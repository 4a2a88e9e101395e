#include "worker/trainer/net/make_network.h"

#include <array>
#include <cassert>

#include "absl/strings/string_view.h"
#include "worker/trainer/net/phi.h"

namespace tune::trainer {
namespace {

struct FamilyNetwork {
  absl::string_view family;
  std::unique_ptr<Network> (*make)(const ModelConfig& config, const Parameters& parameters);
};

// One row for each of ModelFamilies().
constexpr std::array<FamilyNetwork, 1> kNetworks = {{{"phi", MakePhi}}};

}  // namespace

std::unique_ptr<Network> MakeNetwork(const ModelConfig& config, const Parameters& parameters) {
  for (const FamilyNetwork& row : kNetworks) {
    if (row.family == config.model_type) return row.make(config, parameters);
  }
  assert(false);  // ModelConfigFromJson accepts no other family
  return nullptr;
}

}  // namespace tune::trainer
