#include "worker/trainer/optim/ranks.h"

#include "worker/trainer/core/failure.h"

namespace tune::trainer {
namespace {

class SingleRank : public Ranks {
 public:
  int64_t rank() const override { return 0; }
  int64_t size() const override { return 1; }
  void Sum(std::vector<double>&) override {}
  void ReduceScatter(const at::Tensor&) override {}
  void AllGather(const at::Tensor&) override {}
};

}  // namespace

std::unique_ptr<Ranks> OneRank() { return std::make_unique<SingleRank>(); }

absl::Status AllOk(Ranks& ranks, const absl::Status& own) {
  const bool failed = Any(ranks, !own.ok());
  if (!failed || !own.ok()) return own;
  return Fail(kRankLost, "another rank failed");
}

bool Any(Ranks& ranks, bool own) {
  std::vector<double> count = {own ? 1.0 : 0.0};
  ranks.Sum(count);
  return count[0] > 0;
}

}  // namespace tune::trainer
