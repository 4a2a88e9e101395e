#include "recipe/data/batches.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <numeric>

#include "base/random.h"
#include "run/schedule.h"

namespace tune {
namespace {

// The most free space of micro-batches in a range, as a complete binary tree in an array
// (children of i: 2i, 2i + 1), so that the first one with room is found in O(log n).
class FreeSpace {
 public:
  FreeSpace(size_t count, int64_t budget)
      : leaves_(std::bit_ceil(std::max<size_t>(count, 1))), free_(2 * leaves_, budget) {}

  // The first micro-batch with room for `tokens`, which shrinks by that much.
  size_t Take(int64_t tokens) {
    size_t node = 1;
    while (node < leaves_) node = 2 * node + (free_[2 * node] >= tokens ? 0 : 1);
    const size_t leaf = node - leaves_;
    free_[node] -= tokens;
    while (node /= 2) free_[node] = std::max(free_[2 * node], free_[2 * node + 1]);
    return leaf;
  }

 private:
  size_t leaves_;
  std::vector<int64_t> free_;
};

std::vector<std::vector<int64_t>> OneEach(size_t count) {
  std::vector<std::vector<int64_t>> batches;
  for (size_t i = 0; i < count; ++i) batches.push_back({static_cast<int64_t>(i)});
  return batches;
}

std::vector<int64_t> LongestFirst(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
  return order;
}

}  // namespace

DataOrder::DataOrder(std::vector<SourceDraws> sources, int64_t batch_size, double epochs,
                     int64_t max_steps, uint64_t seed)
    : sources_(std::move(sources)), batch_size_(std::max<int64_t>(batch_size, 1)), seed_(seed) {
  examples_per_epoch_ = 0;
  for (const SourceDraws& source : sources_) examples_per_epoch_ += source.draws;
  steps_per_epoch_ = StepsPerEpoch(examples_per_epoch_, batch_size_);
  total_steps_ = TotalSteps(steps_per_epoch_, epochs, max_steps);
}

std::vector<ExampleRef> DataOrder::Batch(int64_t step) const {
  if (step < 0 || step >= total_steps_) return {};
  const int64_t epoch = step / steps_per_epoch_;
  auto cached = std::atomic_load(&cache_);
  if (cached == nullptr || cached->epoch != epoch) {
    cached = std::make_shared<const CachedEpoch>(CachedEpoch{epoch, EpochOrder(epoch)});
    std::atomic_store(&cache_, cached);
  }
  const int64_t begin = step % steps_per_epoch_ * batch_size_;
  const int64_t end = std::min(begin + batch_size_, examples_per_epoch_);
  return {cached->order.begin() + begin, cached->order.begin() + end};
}

std::vector<ExampleRef> DataOrder::EpochOrder(int64_t epoch) const {
  std::vector<ExampleRef> order;
  order.reserve(examples_per_epoch_);
  Random random({seed_, static_cast<uint64_t>(epoch)});
  for (size_t s = 0; s < sources_.size(); ++s) {
    std::vector<ExampleRef> source(sources_[s].examples);
    for (size_t i = 0; i < source.size(); ++i) {
      source[i] = {static_cast<int32_t>(s), static_cast<int64_t>(i)};
    }
    int64_t draws = sources_[s].draws;
    for (; draws >= sources_[s].examples && draws > 0; draws -= sources_[s].examples) {
      order.insert(order.end(), source.begin(), source.end());
    }
    ShuffleFront(draws, &random, &source);
    order.insert(order.end(), source.begin(), source.begin() + draws);
  }
  ShuffleFront(order.size(), &random, &order);
  return order;
}

std::vector<std::vector<int64_t>> PackMicroBatches(const std::vector<int64_t>& lengths,
                                                   int64_t budget, bool packing) {
  if (!packing) return OneEach(lengths.size());
  std::vector<std::vector<int64_t>> batches;
  size_t oversized = 0;  // longest first, so these come before all others
  FreeSpace free(lengths.size(), budget);
  for (const int64_t i : LongestFirst(lengths)) {
    if (lengths[i] > budget) {
      batches.push_back({i});
      ++oversized;
      continue;
    }
    const size_t slot = oversized + free.Take(lengths[i]);
    if (slot == batches.size()) batches.emplace_back();
    batches[slot].push_back(i);
  }
  return batches;
}

std::vector<std::vector<int64_t>> DealMicroBatches(const std::vector<int64_t>& tokens,
                                                   int64_t ranks) {
  std::vector<int64_t> by_size(tokens.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](int64_t a, int64_t b) { return tokens[a] > tokens[b]; });
  std::vector<std::vector<int64_t>> dealt(ranks);
  std::vector<int64_t> load(ranks, 0);
  for (const int64_t i : by_size) {
    const int64_t rank = std::min_element(load.begin(), load.end()) - load.begin();
    dealt[rank].push_back(i);
    load[rank] += tokens[i];
  }
  for (auto& indices : dealt) std::sort(indices.begin(), indices.end());
  return dealt;
}

}  // namespace tune
