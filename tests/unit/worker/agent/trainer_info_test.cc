// Trainers that are small shell scripts.
#include "worker/agent/trainer_info.h"
#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "fakes.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainerInfoTest : public ::testing::Test {
 protected:
  absl::StatusOr<TrainerInfo> Ask(const std::string& script) {
    const std::string trainer = folder_ / "tune-trainer";
    EXPECT_TRUE(WriteFileDurably(trainer, absl::StrCat("#!/bin/sh\n", script, "\n")).ok());
    EXPECT_EQ(chmod(trainer.c_str(), 0755), 0);
    return AskTrainer(trainer, runner_, clock_);
  }
  std::string Error(const std::string& script) {
    const auto info = Ask(script);
    EXPECT_EQ(info.status().code(), absl::StatusCode::kFailedPrecondition) << script;
    return std::string(info.status().message());
  }

  ScratchFolder folder_;
  VirtualClock clock_;
  PosixProcessRunner runner_;
};

TEST_F(TrainerInfoTest, ReadsWhatTheTrainerTells) {
  const auto info =
      Ask(R"(echo "{\"version\":\"1.2.3\",\"spec_fields\":[\"$1\",\"eval.every\"],\"later\":1}")");
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->version, "1.2.3");
  EXPECT_THAT(info->spec_fields, ElementsAre("version", "eval.every"));
}

TEST_F(TrainerInfoTest, TellsWhatAnUnfitTrainerDid) {
  EXPECT_THAT(Error("echo libtorch.so: cannot open >&2; exit 127"),
              HasSubstr("exit code 127: libtorch.so: cannot open"));
  EXPECT_THAT(Error("kill -SEGV $$"), HasSubstr("signal 11"));
  EXPECT_THAT(Error("exit 1"), HasSubstr("exit code 1 and told nothing; install"));
  EXPECT_THAT(Error("echo tune-trainer 0.0.1"), HasSubstr("tells no version"));
  EXPECT_THAT(Error(R"(echo '{"version":"1"}')"), HasSubstr("spec_fields"));
}

TEST_F(TrainerInfoTest, TellsThatTheTrainerIsGone) {
  const auto info = AskTrainer(folder_ / "none", runner_, clock_);
  EXPECT_EQ(info.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(info.status().message()),
              HasSubstr(folder_ / "none" + ": start: No such file or directory; install"));
}

TEST_F(TrainerInfoTest, ReadsTheDevicesAfterWhatALibraryWarned) {
  const std::string trainer = folder_ / "tune-trainer";
  ASSERT_TRUE(WriteFileDurably(trainer, R"(#!/bin/sh
echo "a warning" >&2
[ "$*" = "devices --json --folder /work" ] || exit 1
echo "{\"findings\":[{\"state\":\"missing\",\"what\":\"$CUDA_DEVICE_ORDER\"}],\"gpus\":[]}"
)")
                  .ok());
  ASSERT_EQ(chmod(trainer.c_str(), 0755), 0);
  const auto report = AskDevices(trainer, "/work", runner_, clock_);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings[0].what, "PCI_BUS_ID") << "in the order of every attempt";
  EXPECT_EQ(report->findings[0].state, DeviceFinding::State::kMissing);
}

// Never ends; time passes at every look.
class HangingProcess : public Process {
 public:
  explicit HangingProcess(VirtualClock& clock) : clock_(clock) {}
  std::optional<ExitStatus> Poll() override {
    clock_.Advance(absl::Minutes(1));
    return std::nullopt;
  }
  void Signal(int) override {}

 private:
  VirtualClock& clock_;
};

class HangingRunner : public ProcessRunner {
 public:
  explicit HangingRunner(VirtualClock& clock) : clock_(clock) {}
  absl::StatusOr<std::unique_ptr<Process>> Start(const Command&) override {
    return std::make_unique<HangingProcess>(clock_);
  }

 private:
  VirtualClock& clock_;
};

TEST_F(TrainerInfoTest, GivesUpOnATrainerThatHangs) {
  HangingRunner hanging(clock_);
  EXPECT_EQ(AskTrainer("tune-trainer", hanging, clock_).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace tune::worker
