// CUDA as machines have it that this one need not be: libraries here and there, drivers of any age.
#include "worker/trainer/core/cuda.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"
#include "worker/trainer/core/find_devices.h"

namespace tune::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = DeviceFinding::State;

const CudaLibrary& Named(const std::vector<CudaLibrary>& libraries, const std::string& name) {
  static const CudaLibrary none;
  for (const CudaLibrary& library : libraries) {
    if (library.name == name) return library;
  }
  return none;
}

class CudaLibrariesTest : public ::testing::Test {
 protected:
  std::string Put(const std::string& packages, const std::string& library) {
    const std::string folder = absl::StrCat(scratch_ / packages, "/nvidia/cudnn/lib");
    EXPECT_TRUE(CreateDirectories(folder).ok());
    EXPECT_TRUE(WriteFileDurably(JoinPath(folder, library), "").ok());
    return JoinPath(folder, library);
  }
  std::string Find() {
    return Named(FindCudaLibraries(scratch_ / "deps/torch/lib", {scratch_ / "a", scratch_ / "b"}),
                 "libcudnn.so.9")
        .path;
  }

  ScratchFolder scratch_;
};

TEST_F(CudaLibrariesTest, AreFoundBesideLibTorchBeforeAnyOther) {
  ASSERT_TRUE(CreateDirectories(scratch_ / "deps/torch/lib").ok());
  Put("a", "libcudnn.so.9");
  Put("deps", "libcudnn.so.9");
  EXPECT_EQ(Find(), scratch_ / "deps/nvidia/cudnn/lib/libcudnn.so.9");
}

TEST_F(CudaLibrariesTest, AreFoundInTheFirstSitePackagesThatHasThem) {
  if (!Find().empty()) GTEST_SKIP() << "the loader knows cuDNN: " << Find();
  const std::string second = Put("b", "libcudnn.so.9");
  EXPECT_EQ(Find(), second);
  const std::string first = Put("a", "libcudnn.so.9");
  EXPECT_EQ(Find(), first);
}

TEST_F(CudaLibrariesTest, AnotherMajorVersionIsNone) {
  if (!Find().empty()) GTEST_SKIP() << "the loader knows cuDNN: " << Find();
  Put("a", "libcudnn.so.8");
  EXPECT_EQ(Find(), "");
}

TEST_F(CudaLibrariesTest, OneThatDoesNotLoadIsNamed) {
  const absl::Status status = LoadCudaLibraries({{"libcudnn.so.9", Put("a", "libcudnn.so.9")}});
  EXPECT_THAT(std::string(status.message()), HasSubstr("libcudnn.so.9 does not load: "));
}

TEST_F(CudaLibrariesTest, SitePackagesAreThoseOfTheVirtualEnvironmentFirst) {
  for (const char* python : {"python3.9", "python3.11", "node"}) {
    ASSERT_TRUE(CreateDirectories(scratch_ / absl::StrCat("lib/", python, "/site-packages")).ok());
  }
  setenv("VIRTUAL_ENV", scratch_.path().c_str(), 1);
  const auto found = SitePackages();
  unsetenv("VIRTUAL_ENV");
  ASSERT_GE(found.size(), 2u);
  EXPECT_EQ(found[0], scratch_ / "lib/python3.11/site-packages");
  EXPECT_EQ(found[1], scratch_ / "lib/python3.9/site-packages");
}

TEST(CudaTest, CodeRunsOnItsMajorVersionFromItsMinorOneOn) {
  EXPECT_TRUE(HasCodeFor(89, {75, 80, 86}));
  EXPECT_TRUE(HasCodeFor(80, {80}));
  EXPECT_FALSE(HasCodeFor(80, {86}));
  EXPECT_FALSE(HasCodeFor(70, {75, 80}));
  EXPECT_FALSE(HasCodeFor(100, {90}));
  EXPECT_TRUE(HasCodeFor(121, {100, 120}));
}

TEST(CudaTest, ReadsTheArchitecturesThatLibTorchTells) {
  EXPECT_THAT(ArchitecturesOf("  - CUDA Runtime 13.0\n  - NVCC architecture flags: "
                              "-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_120,"
                              "code=sm_120\n  - CuDNN 91.9\n"),
              ElementsAre(75, 120));
  EXPECT_THAT(ArchitecturesOf(""), IsEmpty());
}

TEST(CudaTest, KnowsTheCudaOfItsLibTorch) { EXPECT_EQ(CudaOfLibTorch(), 13000); }

TEST(NvidiaDriverTest, NamesAGpuAsCudaVisibleDevicesDoes) {
  EXPECT_EQ(VisibleAs(1, nullptr), "1");
  EXPECT_EQ(VisibleAs(1, "GPU-a, GPU-b"), "GPU-b");
  EXPECT_EQ(VisibleAs(0, "3"), "3");
}

class NoDriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Exists("/proc/driver/nvidia")) GTEST_SKIP() << "this machine has the driver";
  }
  void PutDevice(const std::string& name, const std::string& vendor, const std::string& type) {
    ASSERT_TRUE(CreateDirectories(scratch_ / name).ok());
    ASSERT_TRUE(WriteFileDurably(scratch_ / name + "/vendor", vendor + "\n").ok());
    ASSERT_TRUE(WriteFileDurably(scratch_ / name + "/class", type + "\n").ok());
  }
  ScratchFolder scratch_;
};

TEST_F(NoDriverTest, AMachineWithoutAnNvidiaGpuLacksNothing) {
  PutDevice("0000:00:1f.0", "0x8086", "0x030000");
  PutDevice("0000:00:02.0", "0x10de", "0x020000");  // a network card of NVIDIA's
  const absl::Status status = ReadNvidiaDriver(scratch_.path()).status;
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST_F(NoDriverTest, AMachineWithOneLacksItsDriver) {
  PutDevice("0000:01:00.0", "0x10de", "0x030200");
  const absl::Status status = ReadNvidiaDriver(scratch_.path()).status;
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("; install NVIDIA's driver"));
}

TEST_F(NoDriverTest, AGpuThatIsHiddenIsNotMissed) {
  PutDevice("0000:01:00.0", "0x10de", "0x030200");
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  const absl::Status status = ReadNvidiaDriver(scratch_.path()).status;
  unsetenv("CUDA_VISIBLE_DEVICES");
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

CudaState OneGpu(int capability) {
  return {.driver = {.version = "580.65.06",
                     .cuda = 13000,
                     .gpus = {{"H200", int64_t{141} << 30, capability, "PCIe 5 x16 of x16", "0"}},
                     .status = absl::OkStatus()},
          .libraries = {{"libnccl.so.2", "/lib/libnccl.so.2"}},
          .architectures = {80, 90},
          .gpus = {absl::OkStatus()},
          .status = absl::OkStatus()};
}

TEST(ReportTest, AMachineThatHasAllLacksNothing) {
  const DeviceReport report = ReportOn(OneGpu(90));
  EXPECT_FALSE(AnyMissing(report.findings));
  ASSERT_EQ(report.findings.size(), 4u);
  EXPECT_EQ(report.findings[0].text, "580.65.06, runs CUDA 13.0; LibTorch needs CUDA 13.0");
  EXPECT_EQ(report.findings[3].text, "H200, 141.0 GiB, sm_90, PCIe 5 x16 of x16");
  EXPECT_EQ(UsableGpus(report).size(), 1u);
  EXPECT_EQ(UnusedGpus(report), "");
}

TEST(ReportTest, MissingLibrariesAreNamedAndMendedOnce) {
  CudaState state = OneGpu(90);
  state.libraries = {{"libcudnn.so.9", ""}, {"libcufft.so.12", "/lib/x"}, {"libnccl.so.2", ""}};
  state.architectures.clear();
  state.status = absl::FailedPreconditionError("NVIDIA's libraries are missing; run this");
  state.gpus = {state.status};
  const DeviceReport report = ReportOn(state);
  ASSERT_EQ(report.findings.size(), 5u);
  EXPECT_EQ(report.findings[1].state, State::kMissing);
  EXPECT_EQ(report.findings[1].mend, "");
  EXPECT_EQ(report.findings[2].state, State::kOk);
  EXPECT_EQ(report.findings[3].mend, kInstallLibraries);
  EXPECT_EQ(report.findings[4].state, State::kMissing);
  EXPECT_THAT(report.findings[4].text, HasSubstr("H200"));
  EXPECT_THAT(UsableGpus(report), IsEmpty());
  EXPECT_EQ(UnusedGpus(report), "NVIDIA's libraries are missing; run this");
}

TEST(ReportTest, AnOldDriverIsMissingWhatCudaNeeds) {
  CudaState state = OneGpu(90);
  state.driver.cuda = 12040;
  state.libraries.clear();
  state.architectures.clear();
  state.status = absl::FailedPreconditionError("the driver is too old; install another");
  state.gpus = {state.status};
  const DeviceReport report = ReportOn(state);
  EXPECT_EQ(report.findings[0].state, State::kMissing);
  EXPECT_EQ(report.findings[0].text, "the driver is too old");
  EXPECT_EQ(report.findings[0].mend, "install another");
}

TEST(ReportTest, OfTwoGpusTheOneWithoutCodeIsLeftOut) {
  CudaState state = OneGpu(90);
  state.driver.gpus.push_back({"P4", int64_t{8} << 30, 61, "", "1"});
  state.gpus.push_back(absl::FailedPreconditionError("no code for it; use another"));
  const DeviceReport report = ReportOn(state);
  EXPECT_EQ(UsableGpus(report).size(), 1u);
  EXPECT_THAT(UnusedGpus(report), HasSubstr("GPU 1: no code for it"));
  EXPECT_EQ(report.findings.back().mend, "use another");
}

TEST(ReportTest, AMachineWithoutAGpuIsNoFault) {
  CudaState state;
  state.driver.status = state.status = absl::NotFoundError("no NVIDIA driver, and no NVIDIA GPU");
  const DeviceReport report = ReportOn(state);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].state, State::kNote);
  EXPECT_EQ(report.problem, "");
}

TEST(ReportTest, AMachineWithoutAGpuNeedsNoLibraries) {
  CudaState state;
  state.driver.status = state.status = absl::NotFoundError("no NVIDIA GPU");
  state.libraries = {{"libcudart.so.13", "/lib/x"}, {"libnccl.so.2", ""}};
  const DeviceReport report = ReportOn(state);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_FALSE(AnyMissing(report.findings));
  EXPECT_EQ(report.findings[1].what, "CUDA libraries");
}

}  // namespace
}  // namespace tune::trainer
