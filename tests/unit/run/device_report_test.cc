#include "run/device_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune {
namespace {

using ::testing::HasSubstr;
using State = DeviceFinding::State;

const DeviceReport kReport{
    .findings = {{State::kOk, "GPU 0", "H200", ""},
                 {State::kNote, "locked memory", "8 MiB", ""},
                 {State::kMissing, "libnccl.so.2", "nowhere", "run install"}},
    .gpus = {{"H200", 150, "GPU-1", ""}, {"K80", 12, "1", "is too old"}},
    .problem = ""};

TEST(DeviceReportTest, IsReadAsItWasWritten) {
  const auto read = DeviceReportFromJson(DeviceReportToJson(kReport));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, kReport);
}

TEST(DeviceReportTest, ALaterOneMayTellMore) {
  Json json = DeviceReportToJson(kReport);
  json["later"] = json["gpus"][0]["later"] = 1;
  EXPECT_TRUE(DeviceReportFromJson(json).ok());
}

TEST(DeviceReportTest, AWrongOneIsRefusedByField) {
  Json json = DeviceReportToJson(kReport);
  json["findings"][1]["state"] = "bad";
  json["gpus"][0].erase("visible_as");
  const std::string message(DeviceReportFromJson(json).status().message());
  EXPECT_THAT(message, HasSubstr("findings[1].state"));
  EXPECT_THAT(message, HasSubstr("gpus[0].visible_as"));
}

TEST(DeviceReportTest, NoGpuIsLeftOutWithoutACause) {
  ASSERT_EQ(UsableGpus(kReport).size(), 1u);
  EXPECT_EQ(UsableGpus(kReport)[0].product, "H200");
  EXPECT_EQ(UnusedGpus(kReport), "GPU 1: is too old");
  DeviceReport none = kReport;
  none.problem = "no driver";
  EXPECT_EQ(UnusedGpus(none), "no driver");
  EXPECT_EQ(UnusedGpus(DeviceReport()), "");
}

TEST(FindingsTest, AreALineEachThatFitsTheTerminal) {
  EXPECT_EQ(FindingsText(kReport.findings, 80, /*colour=*/false),
            "ok       GPU 0          H200\n"
            "note     locked memory  8 MiB\n"
            "missing  libnccl.so.2   nowhere\n"
            "                        mend: run install\n");
  EXPECT_EQ(FindingsText({{State::kOk, "disk", "one two three", ""}}, 23, /*colour=*/false),
            "ok       disk  one two\n"
            "               three\n");
}

TEST(FindingsTest, ColourIsOfTheStateAlone) {
  EXPECT_EQ(FindingsText({{State::kOk, "disk", "x", ""}}, 80, /*colour=*/true),
            "\x1b[32mok       \x1b[0mdisk  x\n");
}

TEST(FindingsTest, AnErrorIsWhatIsWrongAndWhatMendsIt) {
  EXPECT_EQ(FindingOf("a", absl::UnavailableError("gone; start it; or not"), "x"),
            (DeviceFinding{State::kMissing, "a", "gone", "start it; or not"}));
  EXPECT_EQ(FindingOf("a", absl::UnavailableError("gone"), "x"),
            (DeviceFinding{State::kMissing, "a", "gone", ""}));
  EXPECT_EQ(FindingOf("a", absl::NotFoundError("none; here"), "x"),
            (DeviceFinding{State::kNote, "a", "none; here", ""}));
  EXPECT_EQ(FindingOf("a", absl::OkStatus(), "x"), (DeviceFinding{State::kOk, "a", "x", ""}));
}

TEST(FindingsTest, OnlyWhatIsMissingCounts) {
  EXPECT_TRUE(AnyMissing(kReport.findings));
  EXPECT_FALSE(AnyMissing({kReport.findings[0], kReport.findings[1]}));
}

}  // namespace
}  // namespace tune
