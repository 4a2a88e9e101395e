#include "worker/trainer/run/lineage.h"

#include <algorithm>

namespace tune::trainer {

double Lineage::loss() const {
  const auto applied =
      std::find_if(log.rbegin(), log.rend(), [](const LogEntry& entry) { return !entry.skipped; });
  return applied == log.rend() ? 0 : applied->loss;
}

int64_t Lineage::updates() const {
  return std::count_if(log.begin(), log.end(),
                       [](const LogEntry& entry) { return !entry.skipped; });
}

}  // namespace tune::trainer
