// Registration, heartbeat, the loop over leases, and the agent that joins them.
#include "worker/agent/session.h"
#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "fakes.h"
#include "lease.h"
#include "tests/support/scratch_folder.h"
#include "worker/agent/agent.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

v1::RegisterWorkerRequest Registration() {
  v1::RegisterWorkerRequest request;
  request.set_worker_id("gpu-1");
  request.set_incarnation("i");
  return request;
}

class SessionTest : public ::testing::Test {
 protected:
  FakeControlPlane control_;
  VirtualClock clock_;
  Metrics metrics_{clock_, nullptr};
  LeaseTable leases_;
  PosixProcessRunner processes_;
  SelfCheck self_check_{{.trainer = "/none", .folders = {}}, processes_, clock_, metrics_};
  Session session_{control_, clock_, Registration(), self_check_};
};

TEST_F(SessionTest, TakesTheIntervalFromTheScheduler) {
  EXPECT_FALSE(session_.registered());
  ASSERT_TRUE(session_.Register().ok());
  EXPECT_TRUE(session_.registered());
  EXPECT_EQ(session_.heartbeat_interval(), absl::Seconds(5));
  EXPECT_EQ(session_.worker(), "workers/gpu-1");
}

TEST_F(SessionTest, TwoThatTakeANameFromEachOtherAreToldApart) {
  EXPECT_TRUE(session_.RegisterAgain().ok());
  EXPECT_TRUE(session_.RegisterAgain().ok()) << "the other thread saw the same loss";
  EXPECT_EQ(control_.Count("RegisterWorker gpu-1"), 1);
  clock_.Advance(absl::Seconds(30));
  const absl::Status status = session_.RegisterAgain();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("give each its own --name"));
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(session_.RegisterAgain().ok());
}

class HeartbeatTest : public SessionTest {
 protected:
  Heartbeat heartbeat_{
      control_, session_, self_check_, leases_,
      clock_,   metrics_, "/",         [this](absl::Status status) {
        fatal_ = status; }};
  absl::Status fatal_;
};

TEST_F(HeartbeatTest, NamesTheLeasesAndStopsThoseThatEnded) {
  ASSERT_TRUE(session_.Register().ok());
  StopSignal stop;
  leases_.Add(TestLease().key(), stop);
  ASSERT_TRUE(heartbeat_.Beat().ok());
  EXPECT_EQ(control_.Count("Heartbeat 1"), 1);
  EXPECT_EQ(stop.cause(), StopCause::kNone);
  control_.EndLease();
  ASSERT_TRUE(heartbeat_.Beat().ok());
  EXPECT_EQ(stop.cause(), StopCause::kLeaseEnded);
  leases_.Remove(TestLease().key());
  ASSERT_TRUE(heartbeat_.Beat().ok());
  EXPECT_EQ(control_.Count("Heartbeat 0"), 1);
}

TEST_F(HeartbeatTest, StopsThoseThatMustYield) {
  ASSERT_TRUE(session_.Register().ok());
  StopSignal stop;
  leases_.Add(TestLease().key(), stop);
  control_.AskToYield();
  ASSERT_TRUE(heartbeat_.Beat().ok());
  EXPECT_EQ(stop.cause(), StopCause::kYielding);
  leases_.Remove(TestLease().key());
}

TEST_F(HeartbeatTest, RegistersAgainWhereItIsNotKnown) {
  ASSERT_TRUE(heartbeat_.Beat().ok());
  EXPECT_EQ(control_.Count("RegisterWorker gpu-1"), 1);
}

TEST_F(HeartbeatTest, ItsThreadBeatsAndGoesOnAfterAFailure) {
  ASSERT_TRUE(session_.Register().ok());
  std::atomic<int> calls = 0;
  control_.SetFault([&](const std::string&) {
    return ++calls == 1 ? absl::UnavailableError("away") : absl::OkStatus();
  });
  clock_.Advance(absl::Hours(1));
  heartbeat_.Start();
  EXPECT_TRUE(control_.Await([](const auto& c) { return c.Count("Heartbeat 0") >= 1; }));
}

constexpr char kTwoOfThreeGpus[] = R"({"findings":[],"gpus":[
  {"product":"A","memory_bytes":80,"visible_as":"0"},
  {"product":"old","memory_bytes":8,"visible_as":"1","problem":"LibTorch has no code for it"},
  {"product":"B","memory_bytes":40,"visible_as":"2"}]})";

class AgentTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Agent>> Create() {
    AgentOptions options{.name = "cpu-1",
                         .work_dir = folder_.path(),
                         .trainer = folder_ / "trainer",
                         .poll_interval = absl::Milliseconds(2),
                         .backoff = {absl::Milliseconds(1), absl::Milliseconds(2)}};
    options.lease_loop.backoff = options.lease_loop.check_backoff = options.backoff;
    return Agent::Create({control_, processes_, clock_, metrics_}, options);
  }
  void Trainer(const std::string& script) {
    const std::string version =
        "[ $1 = version ] && { echo '{\"version\":\"1.2.3\",\"spec_fields\":[\"epochs\"]}'; exit; "
        "}";
    std::string devices = devices_;
    std::erase(devices, '\n');
    const std::string answers =
        absl::StrCat(version, "\n[ $1 = devices ] && { echo '", devices, "'; exit; }\n");
    ASSERT_TRUE(WriteFileDurably(folder_ / "trainer", "#!/bin/sh\n" + answers + script).ok());
    ASSERT_EQ(chmod((folder_ / "trainer").c_str(), 0755), 0);
  }
  // Drains once the condition holds.
  std::thread DrainWhen(Agent& agent, std::function<bool(const FakeControlPlane&)> condition) {
    return std::thread([&agent, condition, this] {
      EXPECT_TRUE(control_.Await(condition));
      agent.Drain();
    });
  }

  ScratchFolder folder_;
  FakeControlPlane control_;
  PosixProcessRunner processes_;
  VirtualClock clock_;
  Metrics metrics_{clock_, nullptr};
  std::string devices_ = R"({"findings":[],"gpus":[]})";  // what the trainer tells
};

TEST_F(AgentTest, TakesOneJobAfterTheOtherUntilDrained) {
  PutBlobs(control_);
  Trainer(R"(echo '{"failed":{"reason":"BadData","message":"m"}}' > "$2/events.jsonl"; exit 1)");
  control_.Offer(TestLease());
  control_.Offer(TestLease());
  const auto agent = Create();
  ASSERT_TRUE(agent.ok()) << agent.status();
  EXPECT_FALSE((*agent)->Readiness().ok());
  std::thread drain = DrainWhen(**agent, [](const auto& c) { return c.ends().size() == 2; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
  EXPECT_EQ((*agent)->Readiness().message(), "draining");
  EXPECT_EQ(control_.Count("Leave"), 1);
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
}

TEST_F(AgentTest, JobsThatShareItsGpusRunAtOnce) {
  devices_ = kTwoOfThreeGpus;
  PutBlobs(control_);
  // Each waits for the other.
  Trainer(R"(D=${0%/*}; touch $D/gpu-$CUDA_VISIBLE_DEVICES
until [ -e $D/gpu-0 ] && [ -e $D/gpu-2 ]; do :; done
echo '{"failed":{"reason":"BadData","message":"m"}}' > "$2/events.jsonl"; exit 1)");
  for (const int gpu : {0, 1}) {
    v1::Lease lease = TestLease();
    lease.mutable_key()->set_job(absl::StrCat("jobs/j", gpu));
    lease.add_gpus(gpu);
    control_.Offer(lease);
  }
  const auto agent = Create();
  ASSERT_TRUE(agent.ok()) << agent.status();
  std::thread drain = DrainWhen(**agent, [](const auto& c) { return c.ends().size() == 2; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
  for (const auto& end : control_.ends()) EXPECT_EQ(end.reason(), "BadData");
}

TEST_F(AgentTest, RegistersTheGpusThatItsTrainerCanUseAndWhyNotTheOthers) {
  devices_ = kTwoOfThreeGpus;
  Trainer("exit 0");
  const auto agent = Create();
  ASSERT_TRUE(agent.ok()) << agent.status();
  std::thread drain = DrainWhen(**agent, [](const auto& c) { return c.Count("Heartbeat 0") >= 1; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
  const v1::WorkerResources resources = control_.registrations().back().resources();
  ASSERT_EQ(resources.gpus_size(), 2);
  EXPECT_EQ(resources.gpus(1).product(), "B");
  EXPECT_EQ(resources.unused_gpus(), "GPU 1: LibTorch has no code for it");
}

TEST_F(AgentTest, ATrainerThatTellsNoDevicesHasNone) {
  devices_ = "not JSON";
  Trainer("exit 0");
  const auto agent = Create();
  ASSERT_TRUE(agent.ok()) << agent.status();
  std::thread drain = DrainWhen(**agent, [](const auto& c) { return c.Count("Heartbeat 0") >= 1; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
  const v1::WorkerResources resources = control_.registrations().back().resources();
  EXPECT_EQ(resources.gpus_size(), 0);
  EXPECT_THAT(resources.unused_gpus(), HasSubstr("tells no devices"));
}

TEST_F(AgentTest, WaitsForASchedulerThatIsNotThereYet) {
  std::atomic<int> calls = 0;
  control_.SetFault([&](const std::string&) {
    return ++calls <= 3 ? absl::UnavailableError("connection refused") : absl::OkStatus();
  });
  const auto agent = Create();
  std::thread drain = DrainWhen(**agent, [](const auto& c) { return c.Count("Heartbeat 0") >= 1; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
}

TEST_F(AgentTest, ALostReplyIsAskedForAgain) {
  std::atomic<int> calls = 0;
  control_.SetFault([&](const std::string& method) {
    return method == "AcquireLease" && ++calls == 1 ? absl::UnavailableError("cut off")
                                                    : absl::OkStatus();
  });
  control_.Offer(TestLease());
  Trainer("exit 0");
  const auto agent = Create();
  std::thread drain =
      DrainWhen(**agent, [](const auto& c) { return c.acquire_request_ids().size() >= 3; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
  const auto ids = control_.acquire_request_ids();
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_NE(ids[1], ids[2]);
}

TEST_F(AgentTest, AnUnfitWorkerStaysUpSaysSoAndTakesNoJobUntilItIsWell) {
  control_.Offer(TestLease());
  PutBlobs(control_);
  const auto agent = Create();
  ASSERT_TRUE(agent.ok()) << agent.status();
  std::thread mend([&] {
    EXPECT_TRUE(control_.Await([](const auto& c) { return c.Count("Heartbeat 0") >= 1; }));
    EXPECT_THAT(control_.registrations()[0].unhealthy(), HasSubstr("/trainer: start: No such"));
    EXPECT_THAT(std::string((*agent)->Readiness().message()), HasSubstr("unfit: "));
    EXPECT_THAT(control_.acquire_request_ids(), IsEmpty());
    Trainer("exit 0");
    EXPECT_TRUE(control_.Await([](const auto& c) { return c.ends().size() == 1; }));
    EXPECT_TRUE((*agent)->Readiness().ok());
    (*agent)->Drain();
  });
  EXPECT_TRUE((*agent)->Run().ok());
  mend.join();
  const v1::RegisterWorkerRequest well = control_.registrations().back();
  EXPECT_EQ(well.unhealthy(), "");
  EXPECT_EQ(well.trainer_version(), "1.2.3");
  EXPECT_EQ(well.spec_fields(0), "epochs");
  EXPECT_THAT(*ReadFile(folder_ / "installation"), StartsWith(well.installation()));
}

TEST_F(AgentTest, AnUnfitWorkerThatIsRefusedStaysUpUntilItIsWell) {
  std::atomic<int> refused = 0;
  control_.SetFault([&](const std::string& method) {
    if (method != "RegisterWorker") return absl::OkStatus();
    if (++refused == 3) Trainer("exit 0");
    return refused <= 3 ? absl::FailedPreconditionError("tells no spec_fields") : absl::OkStatus();
  });
  const auto agent = Create();
  std::thread drain = DrainWhen(**agent, [](const auto& c) { return c.Count("Heartbeat 0") >= 1; });
  EXPECT_TRUE((*agent)->Run().ok());
  drain.join();
  EXPECT_EQ(control_.registrations().back().trainer_version(), "1.2.3");
}

TEST_F(AgentTest, ARefusedRegistrationEndsIt) {
  control_.SetFault(
      [](const std::string&) { return absl::UnauthenticatedError("no certificate"); });
  Trainer("exit 0");
  const auto agent = Create();
  const absl::Status status = (*agent)->Run();
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("the scheduler refuses this worker: no certificate"));
}

TEST_F(AgentTest, HoldsItsFolderAloneAndCleansUpAfterAnEarlierLife) {
  ASSERT_TRUE(CreateDirectories(folder_ / "runs/old-a1-e1/checkpoints").ok());
  AppendTo(folder_ / "runs/old-a1-e1/events.jsonl", "{}\n");
  ASSERT_TRUE(CreateDirectories(folder_ / "cache").ok());
  AppendTo(folder_ / "cache/blob", "kept");
  const auto agent = Create();
  ASSERT_TRUE(agent.ok());
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
  EXPECT_TRUE(Exists(folder_ / "cache/blob"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Create().status()));
}

}  // namespace
}  // namespace tune::worker
