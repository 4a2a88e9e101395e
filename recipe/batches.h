// The order of the data: which examples each optimizer step sees, and how they are
// packed. A pure function of (sizes, weights, seed, step), so that a resumed run needs
// only its step to go on exactly where it stopped.
#pragma once

#include <cstdint>
#include <vector>

namespace tune {

// One example by its place: datasets[source], example index within it (from 0).
struct ExampleRef {
  int32_t source;
  int64_t index;

  bool operator==(const ExampleRef&) const = default;
};

struct SourceSize {
  int64_t examples;
  double weight;  // how often each example comes per epoch, on average
};

// Draws per epoch: round(examples * weight) of each source, without repetition until a
// source is used up, shuffled together anew each epoch from (seed, epoch).
class DataOrder {
 public:
  DataOrder(std::vector<SourceSize> sources, int64_t batch_size, double epochs,
            int64_t max_steps, uint64_t seed);

  int64_t examples_per_epoch() const { return examples_per_epoch_; }
  // ceil(examples_per_epoch / batch_size): the last batch of an epoch may be smaller.
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  int64_t total_steps() const { return total_steps_; }

  // The examples of optimizer step `step`, from 0.
  std::vector<ExampleRef> Batch(int64_t step) const;

 private:
  std::vector<ExampleRef> EpochOrder(int64_t epoch) const;

  std::vector<SourceSize> sources_;
  int64_t batch_size_;
  uint64_t seed_;
  int64_t examples_per_epoch_;
  int64_t steps_per_epoch_;
  int64_t total_steps_;
  mutable int64_t cached_epoch_ = -1;
  mutable std::vector<ExampleRef> cached_order_;
};

// Packs example lengths (tokens) into micro-batches of at most `budget` tokens; a longer
// example has one of its own. Returns indices into `lengths` per micro-batch; every
// index once. First fit over lengths sorted downwards, ties by index. packing=false: one
// example each.
std::vector<std::vector<int64_t>> PackMicroBatches(const std::vector<int64_t>& lengths,
                                                   int64_t budget, bool packing);

}  // namespace tune
