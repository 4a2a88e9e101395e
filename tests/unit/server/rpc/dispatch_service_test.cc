#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "run/spec.h"
#include "server/core/retry.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

class DispatchServiceTest : public ::testing::Test {
 protected:
  // A lease of job "demo".
  v1::Lease Lease() {
    EXPECT_TRUE(scheduler_.Register().ok());
    EXPECT_TRUE(scheduler_.CreateJob("demo").ok());
    const auto lease = scheduler_.Acquire();
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.value_or(v1::Lease());
  }
  absl::StatusOr<v1::Job> Job() {
    v1::GetJobRequest request;
    request.set_name("jobs/demo");
    return Call(scheduler_.jobs(), &v1::JobService::Stub::GetJob, request);
  }

  RunningScheduler scheduler_;
};

TEST_F(DispatchServiceTest, FromLeaseToSuccess) {
  const v1::Lease lease = Lease();
  EXPECT_EQ(lease.key().job(), "jobs/demo");
  EXPECT_EQ(lease.attempt(), 1);
  EXPECT_EQ(lease.datasets(0).name(), "datasets/rows");
  EXPECT_GT(lease.model_files_size(), 2);
  EXPECT_EQ(*scheduler_.ReportStep(lease.key(), 1, 1), 1);
  EXPECT_EQ(Job()->state(), v1::Job::RUNNING);
  EXPECT_EQ(Job()->progress().loss(), 2.5);
  EXPECT_EQ(scheduler_.Finish(lease.key(), v1::FinishAttemptRequest::SUCCEEDED).code(),
            absl::StatusCode::kFailedPrecondition)
      << "no final checkpoint yet";
  const auto checkpoint =
      scheduler_.Commit(lease.key(), true, scheduler_.Upload("model.safetensors", "weights"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->name(), "jobs/demo/checkpoints/final");
  ASSERT_TRUE(scheduler_.Finish(lease.key(), v1::FinishAttemptRequest::SUCCEEDED).ok());
  EXPECT_EQ(Job()->state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(Job()->final_checkpoint(), checkpoint->name());
  v1::GetCheckpointRequest latest;
  latest.set_name("jobs/demo/checkpoints/latest");
  EXPECT_EQ(
      Call(scheduler_.checkpoints(), &v1::CheckpointService::Stub::GetCheckpoint, latest)->name(),
      checkpoint->name());
}

TEST_F(DispatchServiceTest, WhoCallsOwnsTheJobAndTheWorker) {
  Lease();
  EXPECT_EQ(Job()->owner(), "ada");
  v1::GetWorkerRequest worker;
  worker.set_name("workers/w");
  EXPECT_EQ(Call(scheduler_.workers(), &v1::WorkerService::Stub::GetWorker, worker)->owner(),
            "ada");
}

TEST_F(DispatchServiceTest, WhatIsLeftAndWhoseFaultAnEndWasIsTold) {
  const v1::Lease lease = Lease();
  v1::FinishAttemptRequest request;
  *request.mutable_key() = lease.key();
  request.set_outcome(v1::FinishAttemptRequest::FAILED_RETRYABLE);
  request.set_reason("WorkerUnfit");
  request.set_message("/cache is not writable");
  ASSERT_TRUE(Call(scheduler_.dispatch(), &v1::DispatchService::Stub::FinishAttempt, request).ok());
  const v1::Job job = *Job();
  EXPECT_EQ(job.retries_left(), 3);
  EXPECT_EQ(job.disruptions_left(), kMaxDisruptions);
  EXPECT_EQ(job.attempts(0).fault(), "worker");
  v1::GetWorkerRequest get;
  get.set_name("workers/w");
  const auto worker = Call(scheduler_.workers(), &v1::WorkerService::Stub::GetWorker, get);
  EXPECT_EQ(worker->state(), v1::Worker::UNHEALTHY);
  EXPECT_NE(worker->reason().find("/cache is not writable"), std::string::npos);
}

TEST_F(DispatchServiceTest, ASecondWorkerOfOneNameIsTold) {
  v1::RegisterWorkerRequest request;
  request.set_worker_id("w");
  request.set_incarnation("i1");
  request.set_installation("home");
  for (const auto& field : SpecFields()) request.add_spec_fields(field.path);
  ASSERT_TRUE(
      Call(scheduler_.dispatch(), &v1::DispatchService::Stub::RegisterWorker, request).ok());
  request.set_incarnation("i2");
  request.set_installation("elsewhere");
  const absl::Status refused =
      Call(scheduler_.dispatch(), &v1::DispatchService::Stub::RegisterWorker, request).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(refused), "NAME_IN_USE");
}

TEST_F(DispatchServiceTest, ACheckpointWithoutItsBlobIsRefused) {
  const v1::Lease lease = Lease();
  v1::FileEntry file;
  file.set_path("model.safetensors");
  file.set_size_bytes(3);
  file.set_sha256(std::string(64, 'b'));
  EXPECT_EQ(scheduler_.Commit(lease.key(), true, file).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(DispatchServiceTest, EveryCallWithAStaleEpochSaysSo) {
  v1::LeaseKey key = Lease().key();
  key.set_epoch(key.epoch() - 1);
  const std::vector<absl::Status> statuses = {
      scheduler_.ReportStep(key, 1, 1).status(),
      scheduler_.AppendLog(key, 0, "x").status(),
      scheduler_.Commit(key, true, scheduler_.Upload("f", "f")).status(),
      scheduler_.Finish(key, v1::FinishAttemptRequest::FAILED_FINAL),
  };
  for (const absl::Status& status : statuses) {
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
    EXPECT_EQ(ReasonOf(status), kStaleEpoch) << status;
  }
}

TEST_F(DispatchServiceTest, ACancelledJobEndsInTheNextHeartbeat) {
  const v1::Lease lease = Lease();
  v1::CancelJobRequest cancel;
  cancel.set_name("jobs/demo");
  cancel.set_reason("enough");
  const auto job = Call(scheduler_.jobs(), &v1::JobService::Stub::CancelJob, cancel);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::Job::CANCELLED);
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_worker("workers/w");
  heartbeat.set_incarnation("i1");
  *heartbeat.add_leases() = lease.key();
  const auto answer = Call(scheduler_.dispatch(), &v1::DispatchService::Stub::Heartbeat, heartbeat);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->ended_size(), 1);
  EXPECT_EQ(answer->ended(0).job(), "jobs/demo");
}

TEST_F(DispatchServiceTest, AnUnknownWorkerIsTold) {
  const absl::Status status = scheduler_.Acquire().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_WORKER");
}

TEST_F(DispatchServiceTest, AWaitingWorkerGetsTheJobThatComes) {
  ASSERT_TRUE(scheduler_.Register().ok());
  ASSERT_TRUE(scheduler_.CreateModel().ok());
  auto waiting = std::async(std::launch::async, [&] { return scheduler_.Acquire(30'000); });
  while (scheduler_.engine().waiters().size() == 0) std::this_thread::yield();
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  const auto lease = waiting.get();
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_EQ(lease->key().job(), "jobs/demo");
}

TEST_F(DispatchServiceTest, AWaitThatIsOverGivesNoLease) {
  ASSERT_TRUE(scheduler_.Register().ok());
  EXPECT_EQ(scheduler_.Acquire(50).status().message(), "no lease");
  EXPECT_EQ(scheduler_.Acquire(-7).status().message(), "no lease");
}

TEST_F(DispatchServiceTest, AWaitEndsBeforeTheCallersDeadline) {
  ASSERT_TRUE(scheduler_.Register().ok());
  v1::AcquireLeaseRequest request;
  request.set_worker("workers/w");
  request.set_incarnation("i1");
  request.set_request_id("r");
  request.set_wait_ms(30'000);
  v1::AcquireLeaseResponse response;
  const auto context = MakeContext(absl::Milliseconds(1300));
  const auto status = scheduler_.dispatch().AcquireLease(context.get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(DispatchServiceTest, ManyWaitsHoldNoThread) {
  ASSERT_TRUE(scheduler_.Register().ok());
  constexpr int kWaits = 200;  // far above the executor's threads
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<v1::AcquireLeaseResponse> responses(kWaits);
  std::atomic<int> ended = 0;
  v1::AcquireLeaseRequest request;
  request.set_worker("workers/w");
  request.set_incarnation("i1");
  request.set_wait_ms(30'000);
  for (int i = 0; i < kWaits; ++i) {
    contexts.push_back(MakeContext(absl::Seconds(60)));
    request.set_request_id(std::to_string(i));
    scheduler_.dispatch().async()->AcquireLease(contexts[i].get(), &request, &responses[i],
                                                [&](const grpc::Status&) { ++ended; });
  }
  while (scheduler_.engine().waiters().size() < kWaits) std::this_thread::yield();
  EXPECT_TRUE(scheduler_.Register().ok()) << "other calls go on";
  scheduler_.server().Drain(absl::Seconds(5));
  while (ended < kWaits) std::this_thread::yield();
}

TEST_F(DispatchServiceTest, ALogPieceAboveOneMebibyteIsRefused) {
  const v1::Lease lease = Lease();
  EXPECT_EQ(scheduler_.AppendLog(lease.key(), 0, std::string(kChunkBytes + 1, 'x')).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*scheduler_.AppendLog(lease.key(), 0, std::string(kChunkBytes, 'x')), kChunkBytes);
}

}  // namespace
}  // namespace tune::server
