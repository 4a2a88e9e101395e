// The order of the data: which examples each optimizer step sees, and how they are
// packed. A pure function of (sources, seed, step), so that a resumed run needs
// only its step to go on exactly where it stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tune {

// One example by its place: datasets[source], example index within it (from 0).
struct ExampleRef {
  int32_t source;
  int64_t index;

  bool operator==(const ExampleRef&) const = default;
};

struct SourceDraws {
  int64_t examples;  // that the source has
  int64_t draws;     // that an epoch has of them (mixture.h)
};

// An epoch has `draws` examples of each source, without repetition until a source is used up: so
// many whole passes, and a fraction of one that is drawn anew each epoch. All are shuffled
// together by Fisher-Yates with base/random.h's generator keyed by (seed, epoch), which draws the
// fractions too.
// A partial last epoch begins as a whole one would.
class DataOrder {
 public:
  DataOrder(std::vector<SourceDraws> sources, int64_t batch_size, double epochs, int64_t max_steps,
            uint64_t seed);

  const std::vector<SourceDraws>& sources() const { return sources_; }
  int64_t examples_per_epoch() const { return examples_per_epoch_; }
  // Both as run/schedule.h counts.
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  int64_t total_steps() const { return total_steps_; }

  // The examples of optimizer step `step`, from 0; none outside [0, total_steps).
  std::vector<ExampleRef> Batch(int64_t step) const;

 private:
  std::vector<ExampleRef> EpochOrder(int64_t epoch) const;

  std::vector<SourceDraws> sources_;
  int64_t batch_size_;
  uint64_t seed_;
  int64_t examples_per_epoch_;
  int64_t steps_per_epoch_;
  int64_t total_steps_;
  // The epoch last asked for; read and replaced atomically, so that Batch may be called
  // from several threads.
  struct CachedEpoch {
    int64_t epoch;
    std::vector<ExampleRef> order;
  };
  mutable std::shared_ptr<const CachedEpoch> cache_;
};

// Packs example lengths (tokens) into micro-batches of at most `budget` tokens; a longer
// example has one of its own. Returns indices into `lengths` per micro-batch; every
// index once. First fit over lengths sorted downwards, ties by index. packing=false: one
// example each.
std::vector<std::vector<int64_t>> PackMicroBatches(const std::vector<int64_t>& lengths,
                                                   int64_t budget, bool packing);

// Deals micro-batches of so many tokens to `ranks`: the largest first, each to the rank
// with the fewest tokens so far. Returns indices into `tokens` per rank, upwards; a rank
// may get none.
std::vector<std::vector<int64_t>> DealMicroBatches(const std::vector<int64_t>& tokens,
                                                   int64_t ranks);

}  // namespace tune
