// Long, foreign and broken texts: refused by name or kept whole, and never a page of a list
// that nobody can read.
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Text : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    PushTiny();
  }
};

// No worker: they stay in the queue. Their specs are above gRPC's 4 MiB together.
TEST_F(Text, AListOfLargeJobsIsShownWhole) {
  std::string job = *ReadFile(SourceFile("tests/support/tiny/job.yaml")) + "sample_prompts:\n";
  for (int i = 0; i < 31; ++i)
    absl::StrAppend(&job, "- \"", std::string(8000, 'a' + i % 26), "\"\n");
  ASSERT_TRUE(WriteFileDurably(folder_ / "large.yaml", job).ok());
  for (int i = 0; i < 22; ++i) Expect({"submit", "-q", "-f", folder_ / "large.yaml"});
  EXPECT_EQ(fleet_.CtlJson({"list"}).size(), 22u);
  EXPECT_EQ(fleet_.CtlJson({"list", "--all"}).size(), 22u);
  Expect({"list"});
}

TEST_F(Text, AReasonOfForeignLettersIsKeptWholeOrRefused) {
  Submit("job");
  std::string reason = "a";  // so that a limit of an even number of bytes lies inside an é
  for (int i = 0; i < 511; ++i) reason += "é";
  EXPECT_TRUE(absl::StrContains(Expect({"cancel", "job", "--reason", reason + "é"}, 1).err,
                                "reason: must be at most 1024 bytes, got 1025"));
  Expect({"cancel", "job", "--reason", reason});
  EXPECT_TRUE(absl::StrContains(Expect({"describe", "job"}).out, "aéé"));
  Expect({"list"});
  EXPECT_TRUE(absl::StrContains(Expect({"events", "job"}).out, "aéé"));
  EXPECT_EQ(fleet_.CtlJson({"list"}).size(), 1u);
}

TEST_F(Text, LatinOneIsRefusedByTheNameOfWhatHoldsIt) {
  const RunResult refused = fleet_.Ctl(
      {"submit", "-f", SourceFile("tests/support/tiny/job.yaml"), "--label", "drink=caf\xe9"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(refused.err, "UTF-8")) << refused.err;
  EXPECT_TRUE(absl::StrContains(refused.err, "label")) << refused.err;
}

TEST_F(Text, TheLogOfACancelledJobIsWhole) {
  fleet_.StartWorker("cpu-1");
  Submit("job", {"max_steps=20000", "checkpoint_every=1000"});
  AwaitStep("job", 100);
  // Its folder goes when the attempt does.
  std::filesystem::create_hard_link(folder_ / "cpu-1/runs/job-a1-e1/trainer.log",
                                    folder_ / "kept.log");
  Expect({"cancel", "job"});
  Await([&] { return fleet_.Trainers().empty(); });
  const std::string kept = *ReadFile(folder_ / "kept.log");
  EXPECT_TRUE(WaitUntil(
      [&] {
        return Expect({"logs", "job"}).out == kept;
      },
      absl::Seconds(10)))
      << "written: " << kept.size() << " bytes, kept: " << Expect({"logs", "job"}).out.size();
}

TEST_F(Text, AJobOfOneStepIsWarnedOfItsRate) {
  Submit("job", {"max_steps=1"});
  EXPECT_TRUE(absl::StrContains(Job("job").value("warnings", Json::array()).dump(), "rate"))
      << Job("job").dump(1);
}

}  // namespace
}  // namespace tune::testing
