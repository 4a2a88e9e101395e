// What a worker may rely on in its scheduler: the same tests of the scripted one, with which
// the worker's own tests run, and of the real one over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/files.h"
#include "fakes.h"
#include "lease.h"
#include "run/spec.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/server/rpc/running_scheduler.h"
#include "worker/agent/grpc_control_plane.h"

namespace tune::worker {
namespace {

// A scheduler and what happens to it from outside.
class World {
 public:
  virtual ~World() = default;
  virtual ControlPlane& control() = 0;
  virtual void Submit(const std::string& id) = 0;
  virtual void Cancel(const std::string& job) = 0;
  virtual void Pause(const std::string& job) = 0;
};

class ScriptedWorld : public World {
 public:
  ControlPlane& control() override { return control_; }
  void Submit(const std::string& id) override {
    v1::Lease lease = TestLease();
    lease.mutable_key()->set_job("jobs/" + id);
    control_.Offer(lease);
  }
  void Cancel(const std::string& job) override { control_.EndLease(); }
  void Pause(const std::string& job) override { control_.AskToYield(); }

 private:
  FakeControlPlane control_;
};

class RealWorld : public World {
 public:
  ControlPlane& control() override { return control_; }
  void Submit(const std::string& id) override {
    const auto job = scheduler_.CreateJob(id);
    ASSERT_TRUE(job.ok()) << job.status();
  }
  void Cancel(const std::string& job) override {
    v1::CancelJobRequest request;
    request.set_name(job);
    ASSERT_TRUE(server::Call(scheduler_.jobs(), &v1::JobService::Stub::CancelJob, request).ok());
  }
  void Pause(const std::string& job) override {
    v1::PauseJobRequest request;
    request.set_name(job);
    ASSERT_TRUE(server::Call(scheduler_.jobs(), &v1::JobService::Stub::PauseJob, request).ok());
  }

 private:
  server::RunningScheduler scheduler_;
  GrpcControlPlane control_{[this] { return scheduler_.channel(); }};
};

using MakeWorld = std::unique_ptr<World> (*)();

class ControlPlaneConformance : public ::testing::TestWithParam<MakeWorld> {
 protected:
  ControlPlane& control() { return world_->control(); }

  void Register() {
    v1::RegisterWorkerRequest request;
    request.set_worker_id("w");
    request.set_incarnation("i1");
    request.set_installation("disk-1");
    request.set_version("0.1.0");
    request.set_trainer_version("0.1.0");
    for (const SpecField& field : SpecFields()) request.add_spec_fields(field.path);
    request.mutable_resources()->set_cpus(2);
    request.mutable_resources()->set_host_memory_bytes(int64_t{8} << 30);
    request.mutable_resources()->set_free_disk_bytes(int64_t{8} << 30);
    const auto response = control().RegisterWorker(request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_GT(response->lease_ttl_ms(), response->heartbeat_interval_ms());
  }
  absl::StatusOr<v1::AcquireLeaseResponse> Acquire(const std::string& request_id) {
    v1::AcquireLeaseRequest request;
    request.set_worker("workers/w");
    request.set_incarnation("i1");
    request.set_request_id(request_id);
    return control().AcquireLease(request);
  }
  // Registers, and takes the lease of a job of its own.
  v1::LeaseKey Lease() {
    world_->Submit("demo");
    Register();
    const auto response = Acquire("first");
    EXPECT_TRUE(response.ok() && response->has_lease()) << response.status();
    return response.ok() ? response->lease().key() : v1::LeaseKey();
  }
  absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const std::vector<v1::LeaseKey>& leases) {
    v1::HeartbeatRequest request;
    request.set_worker("workers/w");
    request.set_incarnation("i1");
    for (const v1::LeaseKey& key : leases) *request.add_leases() = key;
    return control().Heartbeat(request);
  }
  // Reports steps `first_seq` to `last_seq`; the answer is the last one held.
  absl::StatusOr<int64_t> Report(const v1::LeaseKey& key, int64_t first_seq, int64_t last_seq) {
    v1::ReportEventsRequest request;
    *request.mutable_key() = key;
    request.set_first_seq(first_seq);
    for (int64_t seq = first_seq; seq <= last_seq; ++seq) {
      v1::TrainingEvent::Step* step = request.add_events()->mutable_step();
      step->set_step(seq);
      step->set_total_steps(100);
    }
    const auto response = control().ReportEvents(request);
    if (!response.ok()) return response.status();
    return response->last_seq();
  }
  absl::StatusOr<int64_t> Append(const v1::LeaseKey& key, int64_t offset, const std::string& data) {
    v1::AppendLogsRequest request;
    *request.mutable_key() = key;
    request.set_offset(offset);
    request.set_data(data);
    const auto response = control().AppendLogs(request);
    if (!response.ok()) return response.status();
    return response->size_bytes();
  }
  absl::Status Upload(const std::string& content) {
    return control().Upload(folder_.Write("blob", content), EntryOf("", content).sha256(),
                            static_cast<int64_t>(content.size()));
  }
  absl::Status Commit(const v1::LeaseKey& key, bool final, const std::string& content) {
    v1::CommitCheckpointRequest request;
    *request.mutable_key() = key;
    request.set_step(10);
    request.set_final(final);
    *request.add_files() = EntryOf("model.safetensors", content);
    return control().CommitCheckpoint(request).status();
  }
  absl::Status Finish(const v1::LeaseKey& key, v1::FinishAttemptRequest::Outcome outcome) {
    v1::FinishAttemptRequest request;
    *request.mutable_key() = key;
    request.set_outcome(outcome);
    return control().FinishAttempt(request).status();
  }
  // But the log of the job's last attempt is taken to its end.
  void ExpectEnded(const v1::LeaseKey& key) {
    EXPECT_TRUE(IsLeaseEnded(Report(key, 1, 1).status()));
    EXPECT_TRUE(IsLeaseEnded(Commit(key, false, "weights")));
    EXPECT_TRUE(IsLeaseEnded(Finish(key, v1::FinishAttemptRequest::FAILED_FINAL)));
    const auto heartbeat = Heartbeat({key});
    ASSERT_TRUE(heartbeat.ok()) << heartbeat.status();
    ASSERT_EQ(heartbeat->ended_size(), 1);
    EXPECT_EQ(heartbeat->ended(0).job(), key.job());
    EXPECT_EQ(heartbeat->ended(0).epoch(), key.epoch());
  }

  const ScratchFolder folder_;
  const std::unique_ptr<World> world_ = GetParam()();
};

TEST_P(ControlPlaneConformance, AnUnknownWorkerIsTold) {
  EXPECT_TRUE(IsUnknownWorker(Acquire("r").status()));
  EXPECT_TRUE(IsUnknownWorker(Heartbeat({}).status()));
}

TEST_P(ControlPlaneConformance, ARepeatedRequestGetsTheSameLease) {
  const v1::LeaseKey key = Lease();
  const auto again = Acquire("first");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->lease().key().job(), key.job());
  EXPECT_EQ(again->lease().key().epoch(), key.epoch());
  const auto other = Acquire("second");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(other->has_lease()) << "there is no other job";
}

TEST_P(ControlPlaneConformance, AHeartbeatKeepsALease) {
  const v1::LeaseKey key = Lease();
  const auto heartbeat = Heartbeat({key});
  ASSERT_TRUE(heartbeat.ok()) << heartbeat.status();
  EXPECT_EQ(heartbeat->ended_size(), 0);
}

TEST_P(ControlPlaneConformance, AHeartbeatTellsWhatToLetGoOf) {
  const v1::LeaseKey key = Lease();
  world_->Pause(key.job());
  const auto heartbeat = Heartbeat({key});
  ASSERT_TRUE(heartbeat.ok()) << heartbeat.status();
  EXPECT_EQ(heartbeat->ended_size(), 0) << "it is held until its checkpoint is there";
  ASSERT_EQ(heartbeat->yielding_size(), 1);
  EXPECT_EQ(heartbeat->yielding(0).job(), key.job());
}

TEST_P(ControlPlaneConformance, EventsAreHeldOnceAndInOrder) {
  const v1::LeaseKey key = Lease();
  EXPECT_EQ(*Report(key, 1, 2), 2);
  EXPECT_EQ(*Report(key, 1, 2), 2) << "a repeat";
  EXPECT_EQ(*Report(key, 2, 3), 3) << "an overlap";
  EXPECT_EQ(*Report(key, 6, 7), 3) << "a gap";
  EXPECT_EQ(*Report(key, 4, 4), 4);
  EXPECT_TRUE(absl::IsInvalidArgument(Report(key, 0, 1).status()));
}

TEST_P(ControlPlaneConformance, ALogGrowsByItsOffsets) {
  const v1::LeaseKey key = Lease();
  EXPECT_EQ(*Append(key, 0, "abc"), 3);
  EXPECT_EQ(*Append(key, 0, "abc"), 3) << "a repeat";
  EXPECT_EQ(*Append(key, 1, "bcd"), 4) << "an overlap";
  EXPECT_EQ(*Append(key, 10, "x"), 4) << "a gap";
}

TEST_P(ControlPlaneConformance, AStaleEpochIsRefused) {
  v1::LeaseKey key = Lease();
  key.set_epoch(key.epoch() - 1);
  ExpectEnded(key);
}

TEST_P(ControlPlaneConformance, ACancelEndsTheLease) {
  const v1::LeaseKey key = Lease();
  world_->Cancel(key.job());
  ExpectEnded(key);
}

TEST_P(ControlPlaneConformance, ACheckpointNeedsItsBlobsAndMayBeRepeated) {
  const v1::LeaseKey key = Lease();
  ASSERT_EQ(*Report(key, 1, 1), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(Commit(key, false, "weights")));
  ASSERT_TRUE(Upload("weights").ok());
  EXPECT_TRUE(Commit(key, false, "weights").ok());
  EXPECT_TRUE(Commit(key, false, "weights").ok());
}

TEST_P(ControlPlaneConformance, SuccessNeedsAResultAndEndsTheLease) {
  const v1::LeaseKey key = Lease();
  ASSERT_EQ(*Report(key, 1, 1), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(Finish(key, v1::FinishAttemptRequest::SUCCEEDED)));
  ASSERT_TRUE(Upload("weights").ok());
  ASSERT_TRUE(Commit(key, true, "weights").ok());
  EXPECT_TRUE(Finish(key, v1::FinishAttemptRequest::SUCCEEDED).ok());
  ExpectEnded(key);
}

TEST_P(ControlPlaneConformance, ABlobComesBackAsItWentIn) {
  ASSERT_TRUE(Upload("weights").ok());
  const v1::FileEntry blob = EntryOf("", "weights"), other = EntryOf("", "other");
  const std::string path = folder_ / "back";
  ASSERT_TRUE(control().Download(blob.sha256(), blob.size_bytes(), path).ok());
  EXPECT_EQ(*ReadFile(path), "weights");
  EXPECT_TRUE(
      absl::IsNotFound(control().Download(other.sha256(), other.size_bytes(), folder_ / "none")));
  EXPECT_FALSE(Exists(folder_ / "none"));
}

TEST_P(ControlPlaneConformance, NothingIsAcquiredOnceStopped) {
  Register();
  control().StopAcquiring();
  EXPECT_TRUE(absl::IsCancelled(Acquire("r").status()));
}

template <class T>
std::unique_ptr<World> Make() {
  return std::make_unique<T>();
}

INSTANTIATE_TEST_SUITE_P(Scripted, ControlPlaneConformance,
                         ::testing::Values(&Make<ScriptedWorld>));
INSTANTIATE_TEST_SUITE_P(Real, ControlPlaneConformance, ::testing::Values(&Make<RealWorld>));

}  // namespace
}  // namespace tune::worker
