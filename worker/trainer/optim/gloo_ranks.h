// Ranks that are processes of one host.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "worker/trainer/optim/ranks.h"

namespace tune::trainer {

// Joins the `size` processes of the run in folder `dir` over loopback, by LibTorch's Gloo
// (c10d). Where a process is lost, this and the calls of the others throw RankLost.
std::unique_ptr<Ranks> JoinRanks(const std::string& dir, int64_t rank, int64_t size);

}  // namespace tune::trainer
