#include "worker/trainer/optim/gloo_ranks.h"

#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>

#include "base/files.h"

namespace tune::trainer {
namespace {

using c10d::ProcessGroupGloo;

// c10d records every call, for a debugger to ask for. Nobody asks here, and the record is one
// for all groups of a process and not safe where several begin at once, as in tests.
void KeepNoRecord() {
  static const int set = setenv("TORCH_FR_BUFFER_SIZE", "0", /*overwrite=*/1);
  static_cast<void>(set);
}

class GlooRanks : public Ranks {
 public:
  GlooRanks(const std::string& store_path, int64_t rank, int64_t size) : rank_(rank), size_(size) {
    const int processes = static_cast<int>(size);
    auto options = ProcessGroupGloo::Options::create(kLongest);
    options->devices.push_back(ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
    group_ = c10::make_intrusive<ProcessGroupGloo>(
        c10::make_intrusive<c10d::FileStore>(store_path, processes), static_cast<int>(rank),
        processes, options);
  }

  int64_t rank() const override { return rank_; }
  int64_t size() const override { return size_; }

  void Sum(std::vector<double>& values) override {
    std::vector<at::Tensor> tensors = {
        at::from_blob(values.data(), static_cast<int64_t>(values.size()), at::kDouble)};
    Await(group_->allreduce(tensors));
  }

  void ReduceScatter(const at::Tensor& bucket) override {
    // Each part goes to its rank, which adds them up: half of what Gloo's own reduce-scatter
    // sends, which is an all-reduce, and the ranks' order is that of the sum.
    if (received_.numel() < bucket.numel()) received_ = at::empty_like(bucket);
    at::Tensor all = bucket, received = received_.narrow(0, 0, bucket.numel());
    std::vector<int64_t> equal_parts;
    Await(group_->alltoall_base(received, all, equal_parts, equal_parts));
    const at::Tensor own = Own(bucket);
    own.copy_(Part(received, 0));
    for (int64_t rank = 1; rank < size_; ++rank) own.add_(Part(received, rank));
  }

  void AllGather(const at::Tensor& bucket) override {
    // As bytes, which Gloo has for every type.
    at::Tensor all = bucket.view(at::kByte), own = Own(all).clone();
    Await(group_->_allgather_base(all, own));
  }

 private:
  // A rank may write a checkpoint, or generate, while the others wait; that one is gone
  // shows at once by its closed connection.
  static constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);

  at::Tensor Part(const at::Tensor& bucket, int64_t rank) const {
    const int64_t size = bucket.numel() / size_;
    return bucket.narrow(0, rank * size, size);
  }
  at::Tensor Own(const at::Tensor& bucket) const { return Part(bucket, rank_); }

  static void Await(const c10::intrusive_ptr<c10d::Work>& work) {
    try {
      work->wait();
    } catch (const std::exception& error) {
      throw RankLost(error.what());
    }
  }

  const int64_t rank_;
  const int64_t size_;
  c10::intrusive_ptr<ProcessGroupGloo> group_;
  at::Tensor received_ = at::empty({0}, at::kFloat);  // of the largest bucket so far
};

}  // namespace

std::unique_ptr<Ranks> JoinRanks(const std::string& dir, int64_t rank, int64_t size) {
  KeepNoRecord();
  try {
    return std::make_unique<GlooRanks>(JoinPath(dir, "ranks.store"), rank, size);
  } catch (const std::exception& error) {
    throw RankLost(error.what());
  }
}

}  // namespace tune::trainer
