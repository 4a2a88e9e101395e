#include "server/core/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune::server {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

ResourceSpec Needs(const std::string& device, int64_t gpus = 1, int64_t memory = 0) {
  return {.device = device, .gpus = gpus, .host_memory_bytes = memory, .ranks = 0};
}

WorkerRecord Worker(const std::string& id, int gpus, int64_t memory = 16 * kGiB) {
  WorkerRecord worker;
  worker.id = id;
  worker.resources.gpus.resize(gpus);
  worker.resources.host_memory_bytes = memory;
  return worker;
}

Job HeldBy(const std::string& worker, const ResourceSpec& resources) {
  Job job;
  job.worker_id = worker;
  job.spec.resources = resources;
  return job;
}

QueuedJob Queued(const ResourceSpec& resources) {
  QueuedJob job;
  job.resources = resources;
  return job;
}

TEST(Placement, AutoTakesGpusWhereThereAreSomeElseTheCpu) {
  EXPECT_EQ(GpusTaken(Needs("auto", 2), 4), 2);
  EXPECT_EQ(GpusTaken(Needs("auto", 2), 0), 0);
  EXPECT_EQ(GpusTaken(Needs("cpu", 2), 4), 0);
  EXPECT_TRUE(Fits(Needs("auto", 2), MakeSlot(Worker("w", 0), {})));
  EXPECT_FALSE(Fits(Needs("auto", 2), MakeSlot(Worker("w", 1), {})));
}

TEST(Placement, CudaNeedsEnoughGpus) {
  EXPECT_FALSE(Fits(Needs("cuda"), MakeSlot(Worker("w", 0), {})));
  EXPECT_TRUE(Fits(Needs("cuda", 2), MakeSlot(Worker("w", 2), {})));
  EXPECT_FALSE(Fits(Needs("cuda", 3), MakeSlot(Worker("w", 2), {})));
}

TEST(Placement, HostMemoryCounts) {
  EXPECT_TRUE(Fits(Needs("cpu", 1, 16 * kGiB), MakeSlot(Worker("w", 0), {})));
  EXPECT_FALSE(Fits(Needs("cpu", 1, 16 * kGiB + 1), MakeSlot(Worker("w", 0), {})));
}

TEST(Placement, GpusAreSharedOutAndTheCpuIsNot) {
  const WorkerSlot slot = MakeSlot(Worker("w", 2), {HeldBy("w", Needs("cuda", 1, 10 * kGiB)),
                                                    HeldBy("other", Needs("cuda", 2))});
  EXPECT_EQ(slot.gpus_free, 1);
  EXPECT_TRUE(FitsNow(Needs("cuda"), slot));
  EXPECT_FALSE(FitsNow(Needs("cuda", 2), slot));
  EXPECT_FALSE(FitsNow(Needs("cpu"), slot));
  EXPECT_FALSE(FitsNow(Needs("cuda", 1, 7 * kGiB), slot));
  EXPECT_TRUE(FitsNow(Needs("cuda", 1, 6 * kGiB), slot));
}

TEST(Placement, AJobOnTheCpuTakesTheWholeWorker) {
  const WorkerSlot slot = MakeSlot(Worker("w", 2), {HeldBy("w", Needs("cpu"))});
  EXPECT_FALSE(FitsNow(Needs("cuda"), slot));
  EXPECT_FALSE(FitsNow(Needs("cpu"), slot));
}

TEST(Placement, ARetryWaitsButNotForAClockThatWasSetBack) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  QueuedJob job;
  EXPECT_TRUE(IsDue(job, now));
  job.not_before = now + absl::Seconds(30);
  EXPECT_FALSE(IsDue(job, now));
  EXPECT_TRUE(IsDue(job, now + absl::Seconds(30)));
  EXPECT_TRUE(IsDue(job, now - absl::Hours(24)));
}

TEST(Placement, TheReasonToWait) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  const WorkerSlot cpu = MakeSlot(Worker("c", 0), {});
  const WorkerSlot gpu = MakeSlot(Worker("g", 1), {});
  const auto reason = [&](const QueuedJob& job, const std::vector<WorkerSlot>& workers) {
    return ExplainWait(job, workers, now).reason;
  };
  EXPECT_EQ(reason(Queued(Needs("cpu")), {}), "NoWorker");
  EXPECT_EQ(reason(Queued(Needs("cuda")), {cpu}), "NoGpuWorker");
  EXPECT_EQ(reason(Queued(Needs("cuda", 2)), {cpu, gpu}), "NoGpuWorker");
  EXPECT_EQ(reason(Queued(Needs("cpu", 1, 17 * kGiB)), {cpu}), "NoWorkerWithMemory");
  EXPECT_EQ(reason(Queued(Needs("cuda")), {cpu, gpu}), "NoIdleWorker");
  QueuedJob retry = Queued(Needs("cpu"));
  retry.not_before = now + absl::Seconds(2);
  EXPECT_EQ(reason(retry, {cpu}), "RetryDelay");
}

TEST(Placement, TheMessageHasTheNumbersAndWhatToDo) {
  const WorkerSlot cpu = MakeSlot(Worker("c", 0), {});
  const absl::Time now = absl::FromUnixSeconds(0);
  EXPECT_THAT(ExplainWait(Queued(Needs("cpu", 1, 17 * kGiB + kGiB / 2)), {cpu}, now).message,
              testing::AllOf(testing::HasSubstr("17.5 GiB"),
                             testing::HasSubstr("resources.host_memory_bytes")));
  EXPECT_THAT(ExplainWait(Queued(Needs("cuda", 4)), {cpu}, now).message,
              testing::AllOf(testing::HasSubstr("4 GPU"), testing::HasSubstr("resources.device")));
  EXPECT_THAT(ExplainWait(Queued(Needs("cpu")), {}, now).message,
              testing::HasSubstr("tune-worker"));
}

}  // namespace
}  // namespace tune::server
