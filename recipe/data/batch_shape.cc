#include "recipe/data/batch_shape.h"

#include <algorithm>

#include "recipe/data/batches.h"

namespace tune {

BatchShape ShapeOfBatches(const std::vector<int64_t>& lengths, const RunSpec& spec) {
  if (lengths.empty()) return {};
  const auto examples = static_cast<int64_t>(lengths.size());
  const DataOrder order({{examples, examples}}, spec.batch_size, 1, 0,
                        static_cast<uint64_t>(spec.seed));
  BatchShape shape{order.total_steps()};
  int64_t micro_batches = 0, rows = 0, tokens = 0;
  for (int64_t step = 0; step < shape.batches; ++step) {
    std::vector<int64_t> batch;
    for (const ExampleRef& example : order.Batch(step)) batch.push_back(lengths[example.index]);
    for (const auto& micro : PackMicroBatches(batch, spec.micro_batch_tokens, spec.packing)) {
      int64_t micro_tokens = 0;
      for (const int64_t i : micro) micro_tokens += batch[i];
      ++micro_batches;
      rows += static_cast<int64_t>(micro.size());
      tokens += micro_tokens;
      shape.most_tokens = std::max(shape.most_tokens, micro_tokens);
    }
  }
  if (micro_batches == 0) return shape;
  const auto mean = [&](int64_t sum, int64_t of) {
    return static_cast<double>(sum) / static_cast<double>(of);
  };
  shape.micro_batches = mean(micro_batches, shape.batches);
  shape.rows = mean(rows, micro_batches);
  shape.tokens = mean(tokens, micro_batches);
  return shape;
}

}  // namespace tune
