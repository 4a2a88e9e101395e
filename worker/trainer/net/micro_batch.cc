#include "worker/trainer/net/micro_batch.h"

namespace tune::trainer {
namespace {

at::Tensor OnDevice(const std::vector<int64_t>& values, const at::Device& device) {
  return at::tensor(values, at::kLong).to(device);
}

}  // namespace

MicroBatch MakeMicroBatch(const std::vector<BatchItem>& items, const at::Device& device) {
  MicroBatch batch;
  batch.offsets = batch.target_offsets = {0};
  std::vector<int64_t> ids, positions, rows, labels;
  for (const BatchItem& item : items) {
    const Example& example = *item.example;
    const auto length = static_cast<int64_t>(example.ids.size());
    for (int64_t t = 0; t < length; ++t) {
      if (t > 0 && example.target[t] != 0) {
        rows.push_back(batch.offsets.back() + t - 1);
        labels.push_back(example.ids[t]);
      }
      ids.push_back(example.ids[t]);
      positions.push_back(t);
    }
    batch.offsets.push_back(static_cast<int64_t>(ids.size()));
    batch.target_offsets.push_back(static_cast<int64_t>(rows.size()));
    batch.slots.push_back(item.slot);
  }
  batch.ids = OnDevice(ids, device);
  batch.positions = OnDevice(positions, device);
  batch.target_rows = OnDevice(rows, device);
  batch.labels = OnDevice(labels, device);
  return batch;
}

}  // namespace tune::trainer
