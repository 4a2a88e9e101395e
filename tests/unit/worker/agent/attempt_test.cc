// Whole attempts: real folders, real children (shell scripts in the trainer's place), a
// scheduler in memory.
#include "worker/agent/attempt.h"
#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <optional>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fakes.h"
#include "lease.h"
#include "run/folder.h"
#include "run/manifest.h"
#include "run/reason.h"
#include "tests/support/scratch_folder.h"
#include "worker/agent/run_inputs.h"

namespace tune::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Request = v1::FinishAttemptRequest;

// Shell functions for the scripts, which are called as `tune-trainer run DIR` is.
constexpr char kScriptHead[] = R"(#!/bin/bash
if [ "$1" = version ]; then echo '{"version":"1","spec_fields":["epochs"]}'; exit; fi
DIR=$2
event() { echo "$1" >> "$DIR/events.jsonl"; }
started() { event '{"started":{"total_steps":"4"}}'; }
step() { event "{\"step\":{\"step\":\"$1\",\"total_steps\":\"4\",\"loss\":2.5}}"; }
# checkpoint STEP NAME FINAL: one that the test prepared
checkpoint() {
  mkdir -p "$DIR/checkpoints" && cp -r "PREPARED/$2" "$DIR/checkpoints/$2"
  event "{\"checkpoint\":{\"step\":\"$1\",\"path\":\"checkpoints/$2\",\"final\":$3}}"
}
nap() { sleep 60 & wait $!; }
)";

// Starts shell scripts in the trainer's place. A shell cannot let a signal through that it was
// started with.
class ShellRunner : public PosixProcessRunner {
 public:
  absl::StatusOr<std::unique_ptr<Process>> Start(const Command& command) override {
    if (command.argv[1] == "run") {
      EXPECT_TRUE(command.holds_stop_signals);
    }
    Command script = command;
    script.holds_stop_signals = false;
    return PosixProcessRunner::Start(script);
  }
};

class AttemptTest : public ::testing::Test {
 protected:
  AttemptTest() {
    EXPECT_TRUE(CreateDirectories(folder_ / "cache").ok());
    EXPECT_TRUE(CreateDirectories(folder_ / "runs").ok());
    PutBlobs(control_);
    Prepare("step-2", 2, false);
    Prepare("step-4", 4, false);
    Prepare("step-00000002", 2, false);
    Prepare("final", 4, true);
  }

  void Prepare(const std::string& name, int64_t step, bool final) {
    const std::string dir = folder_ / ("prepared/" + name);
    ASSERT_TRUE(CreateDirectories(dir).ok());
    AppendTo(dir + "/model.safetensors", name);
    ASSERT_TRUE(WriteManifest(dir, step, 1, 2.5, final).ok());
  }

  void Trainer(std::string script) {
    script = kScriptHead + script;
    const size_t at = script.find("PREPARED");
    script.replace(at, 8, folder_ / "prepared");
    ASSERT_TRUE(WriteFileDurably(folder_ / "trainer", script).ok());
    ASSERT_EQ(chmod((folder_ / "trainer").c_str(), 0755), 0);
  }

  AttemptEnd Run(v1::Lease lease = TestLease()) { return RunOf(std::move(lease)); }
  AttemptEnd GoOn(FoundRun run) { return RunOf(std::move(run)); }
  template <typename What>
  AttemptEnd RunOf(What what) {
    AttemptContext context{.control = control_,
                           .processes = processes_,
                           .clock = clock_,
                           .metrics = metrics_,
                           .leases = leases_,
                           .cache = cache_,
                           .self_check = self_check_,
                           .options = {.trainer = folder_ / "trainer",
                                       .runs_dir = folder_ / "runs",
                                       .token_cache = folder_ / "cache",
                                       .poll_interval = absl::Milliseconds(2),
                                       .drain_timeout = absl::Seconds(30),
                                       .backoff = {absl::Milliseconds(1), absl::Milliseconds(2)},
                                       .gpus = {"0", "1", "2", "GPU-d"}},
                           .oom_kills = oom_kills_};
    Attempt attempt(context, std::move(what));
    return attempt.Run();
  }

  // A trainer in this folder, to its end, without a worker.
  void StartAlone(const std::string& run_dir) {
    ASSERT_TRUE(CreateDirectories(run_dir).ok());
    const auto trainer = processes_.Start({.argv = {folder_ / "trainer", "run", run_dir},
                                           .working_dir = run_dir,
                                           .output_path = run_dir + "/trainer.log",
                                           .holds_stop_signals = true});
    ASSERT_TRUE(trainer.ok()) << trainer.status();
    ASSERT_TRUE(NoteRun(run_dir, TestLease(), (*trainer)->pid()).ok());
    while (!(*trainer)->Poll()) std::this_thread::yield();
  }

  // Runs `then` on another thread once the scheduler holds this many events.
  std::thread AfterEvents(size_t count, std::function<void()> then) {
    return std::thread([this, count, then = std::move(then)] {
      EXPECT_TRUE(control_.Await([&](const auto& c) { return c.events().size() >= count; }));
      then();
    });
  }

  ScratchFolder folder_;
  FakeControlPlane control_;
  ShellRunner processes_;
  VirtualClock clock_;
  Metrics metrics_{clock_, nullptr};
  LeaseTable leases_;
  SelfCheck self_check_{{.trainer = folder_ / "trainer", .folders = {folder_ / "runs"}},
                        processes_,
                        clock_,
                        metrics_};
  int64_t free_bytes_ = 1 << 30;
  std::function<std::optional<int64_t>()> oom_kills_ = [] { return 0; };
  BlobCache cache_{folder_ / "cache", 1 << 20, [this](const std::string&) { return free_bytes_; }};
};

TEST_F(AttemptTest, ARunFromItsInputsToItsResult) {
  Trainer(R"(started; cat "$DIR/model/config.json"; [ "$1" = run ] || exit 2
step 1; step 2; checkpoint 2 step-2 false
step 3; step 4; checkpoint 4 final true
event '{"finished":{"step":"4","checkpoint":"checkpoints/final"}}')");
  EXPECT_EQ(Run(), (AttemptEnd{Request::SUCCEEDED, "", ""}));

  ASSERT_EQ(control_.ends().size(), 1u);
  EXPECT_EQ(control_.ends()[0].outcome(), Request::SUCCEEDED);
  EXPECT_EQ(control_.ends()[0].key().epoch(), 5);
  EXPECT_EQ(control_.events().size(), 8u);
  EXPECT_TRUE(control_.events().back().has_finished());
  EXPECT_EQ(control_.log(), "{}");
  ASSERT_EQ(control_.commits().size(), 2u);
  EXPECT_EQ(control_.commits()[0].step(), 2);
  EXPECT_TRUE(control_.commits()[1].final());
  EXPECT_EQ(control_.journal().back(), "FinishAttempt") << "after the result was registered";
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
  EXPECT_THAT(leases_.Keys(), IsEmpty());
}

TEST_F(AttemptTest, TheTrainerSeesTheGpusOfItsLease) {
  Trainer(R"(echo "$CUDA_DEVICE_ORDER $CUDA_VISIBLE_DEVICES")");
  v1::Lease lease = TestLease();
  lease.add_gpus(1);
  lease.add_gpus(3);
  Run(lease);
  EXPECT_EQ(control_.log(), "PCI_BUS_ID 1,GPU-d\n");
}

TEST_F(AttemptTest, TheTrainerIsToldWhereToKeepTokens) {
  Trainer(R"(echo "$TUNE_TOKEN_CACHE")");
  Run();
  EXPECT_EQ(control_.log(), folder_ / "cache" + "\n");
}

TEST_F(AttemptTest, AFailedRunTellsItsReason) {
  Trainer(R"(started
event '{"failed":{"reason":"BadData","message":"train.jsonl:7: no prompt"}}'; exit 1)");
  EXPECT_EQ(Run(), (AttemptEnd{Request::FAILED_FINAL, "BadData", "train.jsonl:7: no prompt"}));
  EXPECT_EQ(control_.ends()[0].reason(), "BadData");
}

// A worker that is killed and starts again: its trainer never stops, and all is told once.
TEST_F(AttemptTest, GoesOnWithATrainerThatOutlivedItsWorker) {
  Trainer(R"(started; step 1; until [ -e "$DIR/go" ]; do :; done
step 2; checkpoint 4 final true
event '{"finished":{"step":"4","checkpoint":"checkpoints/final"}}')");
  const std::string run_dir = folder_ / ("runs/" + RunFolderName(TestLease()));
  ASSERT_TRUE(CreateDirectories(run_dir).ok());
  const auto trainer = processes_.Start({.argv = {folder_ / "trainer", "run", run_dir},
                                         .working_dir = run_dir,
                                         .output_path = run_dir + "/trainer.log",
                                         .holds_stop_signals = true});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE(NoteRun(run_dir, TestLease(), (*trainer)->pid()).ok());
  std::vector<FoundRun> found = *FindRuns(folder_ / "runs");
  ASSERT_EQ(found.size(), 1u);
  std::thread go = AfterEvents(2, [&] { AppendTo(run_dir + "/go", ""); });
  EXPECT_EQ(GoOn(std::move(found[0])), (AttemptEnd{Request::SUCCEEDED, "", ""}));
  go.join();
  EXPECT_EQ(control_.events().size(), 5u);
  ASSERT_EQ(control_.commits().size(), 1u);
  EXPECT_TRUE(control_.commits()[0].final());
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
}

// A worker that stayed away: its trainer wrote a checkpoint and ended.
TEST_F(AttemptTest, RegistersWhatATrainerLeftThatEndedAlone) {
  Trainer("started; step 1; step 2; checkpoint 2 step-00000002 false");
  const std::string run_dir = folder_ / ("runs/" + RunFolderName(TestLease()));
  StartAlone(run_dir);
  std::vector<FoundRun> found = *FindRuns(folder_ / "runs");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(GoOn(std::move(found[0])).reason, kWorkerDraining);
  ASSERT_EQ(control_.commits().size(), 1u);
  EXPECT_EQ(control_.commits()[0].step(), 2);
  EXPECT_EQ(control_.events().size(), 4u);
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
}

TEST_F(AttemptTest, AResultThatATrainerLeftThatEndedAloneIsTheJobs) {
  Trainer(R"(started; step 4; checkpoint 4 final true
event '{"finished":{"step":"4","checkpoint":"checkpoints/final"}}')");
  StartAlone(folder_ / ("runs/" + RunFolderName(TestLease())));
  std::vector<FoundRun> found = *FindRuns(folder_ / "runs");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(GoOn(std::move(found[0])), (AttemptEnd{Request::SUCCEEDED, "", ""}));
}

TEST_F(AttemptTest, ACrashTellsTheSignal) {
  Trainer(R"(started; echo loading; echo out of luck >&2; kill -SEGV $$)");
  const AttemptEnd end = Run();
  EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(end.reason, "TrainerCrashed");
  EXPECT_THAT(end.message, HasSubstr("Segmentation fault"));
  EXPECT_EQ(control_.log(), "loading\nout of luck\n") << "whole, and not in the message";
  EXPECT_EQ(control_.events().size(), 1u) << "what it told before is kept";
}

TEST_F(AttemptTest, AnOutOfMemoryKillIsToldAsOne) {
  Trainer(R"(started; kill -KILL $$)");
  int64_t kills = 4;
  oom_kills_ = [&] { return kills; };
  EXPECT_EQ(Run().reason, "TrainerStopped") << "somebody's kill";
  oom_kills_ = [&] { return kills++; };
  EXPECT_EQ(Run().reason, "OutOfMemory");
}

TEST_F(AttemptTest, AStopByAnotherIsNoCrash) {
  Trainer(R"(trap 'checkpoint 2 step-2 false; exit 3' TERM; started; kill -TERM $$)");
  EXPECT_EQ(Run().reason, "TrainerStopped");
  EXPECT_EQ(control_.commits().size(), 1u) << "its last checkpoint counts";
}

TEST_F(AttemptTest, ARunFolderThatIsRemovedInMidRunIsTheWorkersFault) {
  Trainer(R"(started; while :; do nap; done)");
  std::thread remove = AfterEvents(
      1, [&] { EXPECT_EQ(rename((folder_ / "runs").c_str(), (folder_ / "gone").c_str()), 0); });
  EXPECT_EQ(Run().reason, "RunFolderLost");
  remove.join();
  EXPECT_TRUE(Exists(folder_ / "runs")) << "made again for the next one";
}

TEST_F(AttemptTest, EventsThatAreRemovedInMidRunAreTheWorkersFault) {
  Trainer(R"(started; while :; do nap; done)");
  const std::string events = folder_ / ("runs/" + RunFolderName(TestLease()) + "/events.jsonl");
  std::thread remove = AfterEvents(1, [&] { EXPECT_TRUE(RemoveAll(events).ok()); });
  EXPECT_EQ(Run().reason, "RunFolderLost");
  remove.join();
}

// Whatever the trainer makes of a file that it no longer finds.
TEST_F(AttemptTest, AnInputThatIsRemovedInMidRunIsTheWorkersFault) {
  for (const std::string reason : {"Internal", "BadModel"}) {
    const std::string retryable = reason == "Internal" ? "true" : "false";
    Trainer(R"(started; rm -r "$DIR/model"
event '{"failed":{"reason":")" +
            reason + R"(","retryable":)" + retryable + R"(}}'; exit 1)");
    EXPECT_EQ(Run().reason, "RunFolderLost") << reason;
  }
}

TEST_F(AttemptTest, AnInputThatIsRemovedOnceItIsReadIsNotMissed) {
  Trainer(R"(started; rm -r "$DIR/model"; checkpoint 4 final true
event '{"finished":{"step":"4","checkpoint":"checkpoints/final"}}')");
  EXPECT_EQ(Run().outcome, Request::SUCCEEDED);
}

TEST_F(AttemptTest, ATrainerThatDiesBeforeItTellsAnythingIsToldAsSuch) {
  Trainer("echo broken host; exit 1");
  EXPECT_EQ(Run().reason, "TrainerDiedAtStart");
}

TEST_F(AttemptTest, AnInputThatCannotBeFetchedForLongCostsNothing) {
  Trainer("exit 0");
  control_.SetFault([&](const std::string& method) {
    if (method != "Download") return absl::OkStatus();
    clock_.Advance(absl::Minutes(1));
    return absl::InternalError("a bug of the scheduler");
  });
  EXPECT_EQ(Run().reason, "DownloadFailed");
  EXPECT_GE(control_.Count("Download failed"), 5);
}

TEST_F(AttemptTest, ACancelKillsTheTrainerAndDropsItsFolder) {
  Trainer(R"(trap '' TERM; started; while :; do nap; done)");
  std::thread cancel = AfterEvents(1, [&] {
    control_.EndLease();
    leases_.Stop(TestLease().key(), StopCause::kLeaseEnded);  // as the heartbeat does
  });
  Run();
  cancel.join();
  EXPECT_THAT(control_.ends(), IsEmpty());
  EXPECT_THAT(*ListDirectory(folder_ / "runs"), IsEmpty());
}

TEST_F(AttemptTest, AStaleReportStopsItToo) {
  Trainer(R"(trap '' TERM; started; while :; do step 1; sleep 0.01; done)");
  std::thread expire = AfterEvents(2, [&] { control_.EndLease(); });
  Run();
  expire.join();
  EXPECT_THAT(control_.ends(), IsEmpty());
}

TEST_F(AttemptTest, DrainingRegistersTheLastCheckpoint) {
  Trainer(R"(trap 'checkpoint 2 step-2 false; exit 3' TERM
started; while :; do nap; done)");
  std::thread drain = AfterEvents(1, [&] { leases_.Drain(); });
  const AttemptEnd end = Run();
  drain.join();
  EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(end.reason, "WorkerDraining");
  ASSERT_EQ(control_.commits().size(), 1u);
  EXPECT_EQ(control_.commits()[0].step(), 2);
  EXPECT_EQ(control_.ends().size(), 1u);
}

TEST_F(AttemptTest, YieldingRegistersTheLastCheckpoint) {
  Trainer(R"(trap 'checkpoint 2 step-2 false; exit 3' TERM
started; while :; do nap; done)");
  std::thread yield =
      AfterEvents(1, [&] { leases_.Stop(TestLease().key(), StopCause::kYielding); });
  const AttemptEnd end = Run();
  yield.join();
  EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(end.reason, "Yielded");
  ASSERT_EQ(control_.commits().size(), 1u);
  EXPECT_EQ(control_.ends().size(), 1u);
}

TEST_F(AttemptTest, DrainingEndsInTimeThoughTheTrainerIsDeaf) {
  Trainer(R"(trap '' TERM; started; while :; do nap; done)");
  std::thread drain = AfterEvents(1, [&] {
    leases_.Drain();
    while (!control_.Count("FinishAttempt")) {
      clock_.Advance(absl::Seconds(1));
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(Run().reason, "WorkerDraining");
  drain.join();
}

TEST_F(AttemptTest, DrainingGivesUpOnASchedulerThatIsAway) {
  Trainer(R"(trap 'exit 3' TERM; started; while :; do nap; done)");
  std::atomic<bool> over = false;
  std::thread drain = AfterEvents(1, [&] {
    control_.SetFault([](const std::string&) { return absl::UnavailableError("away"); });
    leases_.Drain();
    while (!over) {
      clock_.Advance(absl::Seconds(1));
      std::this_thread::yield();
    }
  });
  Run();
  over = true;
  drain.join();
  EXPECT_THAT(control_.ends(), IsEmpty());
}

TEST_F(AttemptTest, ACheckpointThatCouldNotBeRegisteredStaysForTheNextStart) {
  Trainer(
      R"(trap 'checkpoint 2 step-00000002 false; exit 3' TERM; started; while :; do nap; done)");
  std::atomic<bool> over = false;
  const std::string run_dir = folder_ / ("runs/" + RunFolderName(TestLease()));
  std::thread drain = AfterEvents(1, [&] {
    control_.SetFault([](const std::string&) { return absl::UnavailableError("away"); });
    leases_.Drain();
    while (!absl::StrContains(*ReadFile(run_dir + "/events.jsonl"), "checkpoint")) {
      std::this_thread::yield();
    }
    while (!over) {
      clock_.Advance(absl::Seconds(1));
      std::this_thread::yield();
    }
  });
  Run();
  over = true;
  drain.join();
  control_.SetFault(nullptr);
  std::vector<FoundRun> found = *FindRuns(folder_ / "runs");
  ASSERT_EQ(found.size(), 1u);
  GoOn(std::move(found[0]));
  ASSERT_EQ(control_.commits().size(), 1u);
  EXPECT_EQ(control_.commits()[0].step(), 2);
}

TEST_F(AttemptTest, TheTimeLimitEndsItForGood) {
  Trainer(R"(trap 'checkpoint 2 step-2 false; exit 3' TERM
started; while :; do nap; done)");
  v1::Lease lease = TestLease();
  lease.set_time_limit_seconds(600);
  std::thread time = AfterEvents(1, [&] { clock_.Advance(absl::Minutes(10)); });
  const AttemptEnd end = Run(lease);
  time.join();
  EXPECT_EQ(end.outcome, Request::FAILED_FINAL);
  EXPECT_EQ(end.reason, "TimeLimit");
  EXPECT_EQ(control_.commits().size(), 1u);
}

TEST_F(AttemptTest, ASchedulerThatIsAwayCostsNothing) {
  Trainer(R"(started; step 1; checkpoint 4 final true
event '{"finished":{"step":"4"}}')");
  absl::Mutex mutex;
  std::map<std::string, int> calls;
  control_.SetFault([&](const std::string& method) {
    absl::MutexLock lock(&mutex);
    return ++calls[method] <= 2 ? absl::UnavailableError("away") : absl::OkStatus();
  });
  EXPECT_EQ(Run().outcome, Request::SUCCEEDED);
  EXPECT_EQ(control_.events().size(), 4u);
  EXPECT_EQ(control_.ends().size(), 1u);
}

TEST_F(AttemptTest, ADiskThatIsTooSmallIsToldWithNumbers) {
  Trainer("exit 0");
  free_bytes_ = 3;
  const AttemptEnd end = Run();
  EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(end.reason, "DiskFull");
  EXPECT_THAT(end.message, HasSubstr("needs at least 16.8 MB of room"));
  EXPECT_EQ(FindReason(end.reason)->fault, Fault::kWorker);
  EXPECT_EQ(FindReason(end.reason)->cost, Cost::kNothing);
  EXPECT_EQ(control_.Count("Download " + TestLease().model_files(0).sha256()), 0)
      << "nothing is fetched for a run that cannot be";
}

TEST_F(AttemptTest, AnInputThatIsNotThereIsTold) {
  Trainer("exit 0");
  v1::Lease lease = TestLease();
  *lease.add_model_files() = EntryOf("tokenizer.json", "never stored");
  const AttemptEnd end = Run(lease);
  EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(end.reason, "MissingInput");
}

TEST_F(AttemptTest, ATrainerThatDoesNotStartIsTheWorkersFault) {
  const AttemptEnd end = Run();
  EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(end.reason, "WorkerUnfit");
  EXPECT_THAT(end.message, HasSubstr("/trainer: start: No such file"));
  EXPECT_FALSE(self_check_.status().ok());
}

TEST_F(AttemptTest, StoppedBeforeItBeganItStartsNothing) {
  Trainer(R"(touch "$DIR/../../began")");
  leases_.Drain();
  EXPECT_EQ(Run().reason, "WorkerDraining");
  EXPECT_FALSE(Exists(folder_ / "began"));
}

}  // namespace
}  // namespace tune::worker
