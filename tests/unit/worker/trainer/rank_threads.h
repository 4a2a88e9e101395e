// Ranks as threads of one process: the same sockets as between processes.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "worker/trainer/optim/gloo_ranks.h"
#include "worker/trainer/optim/ranks.h"

namespace tune::trainer {

// Runs `body` once on each of `size` ranks, which meet in the folder `dir`.
inline void OnEachRank(const std::string& dir, int64_t size,
                       const std::function<void(Ranks&)>& body) {
  if (size == 1) return body(*OneRank());
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] { body(*JoinRanks(dir, rank, size)); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tune::trainer
