// The processes of one run, and what they tell each other. Every rank calls the same
// functions in the same order; each call waits for all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {

class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;
  bool first() const { return rank() == 0; }

  // Each value becomes its sum over the ranks.
  virtual void Sum(std::vector<double>& values) = 0;
  // `bucket`, size() equal parts end to end: afterwards this rank's own part is its sum
  // over the ranks; the others are used up. Contiguous fp32 on the host.
  virtual void ReduceScatter(const at::Tensor& bucket) = 0;
  // Every part becomes what its rank has there. Contiguous, on the host, of any type.
  virtual void AllGather(const at::Tensor& bucket) = 0;
};

// The only rank of a run of one process: it has nobody to tell.
std::unique_ptr<Ranks> OneRank();

// OK where `own` is OK on every rank. Else this rank's own error, or kRankLost for another's.
absl::Status AllOk(Ranks& ranks, const absl::Status& own);

// Whether `own` is true on any rank.
bool Any(Ranks& ranks, bool own);

}  // namespace tune::trainer
