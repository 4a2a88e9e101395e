// Trainers that are small shell scripts.
#include "worker/agent/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/files.h"
#include "fakes.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;
using State = DeviceFinding::State;

class DoctorTest : public ::testing::Test {
 protected:
  void Trainer(const std::string& script) {
    ASSERT_TRUE(WriteFileDurably(folder_ / "trainer", "#!/bin/sh\n" + script).ok());
    ASSERT_EQ(chmod((folder_ / "trainer").c_str(), 0755), 0);
  }
  std::vector<DeviceFinding> Look() {
    return Diagnose({.trainer = folder_ / "trainer",
                     .work_dir = folder_ / "work",
                     .scheduler = "host:7070",
                     .reach = [this] { return reach_; }},
                    processes_, clock_);
  }
  // The finding of that name, of all.
  DeviceFinding Of(const std::string& what) {
    for (const DeviceFinding& finding : Look()) {
      if (finding.what == what) return finding;
    }
    ADD_FAILURE() << "no finding of " << what;
    return {};
  }

  ScratchFolder folder_;
  PosixProcessRunner processes_;
  VirtualClock clock_;
  absl::Status reach_;
  const std::string well_ = R"(case "$1" in
version) echo '{"version":"1.2.3","spec_fields":["epochs"]}';;
devices) echo "{\"findings\":[{\"state\":\"ok\",\"what\":\"GPU 0\",\"text\":\"$4\"}],\"gpus\":[]}";;
esac)";
};

TEST_F(DoctorTest, AWellHostLacksNothing) {
  Trainer(well_);
  ASSERT_TRUE(CreateDirectories(folder_ / "work").ok());
  const auto findings = Look();
  EXPECT_FALSE(AnyMissing(findings));
  ASSERT_EQ(findings.size(), 4u);
  EXPECT_EQ(findings[0].text, folder_ / "work") << "whose disk the trainer measures";
  EXPECT_THAT(findings[2].text, HasSubstr("/trainer 1.2.3"));
  EXPECT_EQ(findings[3].text, "host:7070");
}

TEST_F(DoctorTest, AFolderThatIsNotThereIsNotMade) {
  Trainer(well_);
  EXPECT_EQ(Of("work folder").state, State::kNote);
  EXPECT_FALSE(Exists(folder_ / "work"));
}

TEST_F(DoctorTest, AFileInTheFoldersPlaceIsMissingOne) {
  Trainer(well_);
  AppendTo(folder_ / "work", "a file");
  EXPECT_EQ(Of("work folder").state, State::kMissing);
}

TEST_F(DoctorTest, ATrainerThatDoesNotStartIsMissing) {
  Trainer("echo libtorch.so: cannot open >&2; exit 127");
  const DeviceFinding finding = Of("tune-trainer");
  EXPECT_EQ(finding.state, State::kMissing);
  EXPECT_THAT(finding.text, HasSubstr("libtorch.so: cannot open"));
  EXPECT_THAT(finding.mend, HasSubstr("install the tune-trainer"));
  EXPECT_EQ(Of("devices").state, State::kMissing);
}

TEST_F(DoctorTest, ASchedulerThatDoesNotAnswerIsMissing) {
  Trainer(well_);
  reach_ = absl::UnavailableError("nothing answers; start it");
  EXPECT_EQ(Of("scheduler"),
            (DeviceFinding{State::kMissing, "scheduler", "nothing answers", "start it"}));
}

}  // namespace
}  // namespace tune::worker
