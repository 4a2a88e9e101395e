// Machines with an NVIDIA driver on which LibTorch cannot use the GPU: nothing is promised that
// cannot be kept, and everybody is told what mends it. The driver is tests/support/fake_driver.
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Devices : public FleetTest {
 protected:
  // A LibTorch of links, beside which lies no more of NVIDIA's than its CPU half links, and no
  // site-packages.
  void SetUp() override {
    const std::string torch = folder_ / "deps/torch/lib";
    const std::string nvidia = folder_ / "deps/nvidia/cu13/lib";
    for (const std::string& folder : {torch, nvidia}) std::filesystem::create_directories(folder);
    for (const auto& file : std::filesystem::directory_iterator(TUNE_DEPS "/torch/lib")) {
      std::filesystem::create_symlink(file.path(), torch + "/" + file.path().filename().string());
    }
    for (const std::string name : {"/libcudart.so.13", "/libcupti.so.13"}) {
      std::filesystem::create_symlink(TUNE_DEPS "/nvidia/cu13/lib" + name, nvidia + name);
    }
    setenv("LD_LIBRARY_PATH", absl::StrCat(TUNE_FAKE_DRIVER, ":", torch).c_str(), 1);
    setenv("HOME", folder_.path().c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"LD_LIBRARY_PATH", "FAKE_CUDA_VERSION", "FAKE_GPUS"}) unsetenv(name);
  }
  // Skips where the machine itself has what must be missing.
  RunResult Look() { return fleet_.Trainer({"devices"}); }
};

TEST_F(Devices, ADriverWithoutCudasLibrariesLacksThemByName) {
  const RunResult looked = Look();
  if (absl::StrContains(looked.out, "ok       libcudnn.so.9")) GTEST_SKIP() << "it has cuDNN";
  EXPECT_EQ(looked.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(looked.out, "999.01, runs CUDA 13.0")) << looked.out;
  EXPECT_TRUE(absl::StrContains(looked.out, "missing  libnccl.so.2")) << looked.out;
  EXPECT_TRUE(absl::StrContains(looked.out, "mend: run deploy/install-deps.sh --cuda"));
  EXPECT_TRUE(absl::StrContains(looked.out, "Fake GPU, 8.0 GiB, sm_90, PCIe 5 x8 of x16"));
}

TEST_F(Devices, ADriverThatIsTooOldIsNamed) {
  setenv("FAKE_CUDA_VERSION", "12040", 1);
  const RunResult looked = Look();
  EXPECT_EQ(looked.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(looked.out, "the NVIDIA driver 999.01 is too old")) << looked.out;
}

TEST_F(Devices, AWorkerRegistersNoGpuThatItCouldNotUseAndSaysWhy) {
  setenv("FAKE_CUDA_VERSION", "12040", 1);
  fleet_.StartScheduler();
  fleet_.StartWorker("gpu-1");
  Await([&] { return !Worker("gpu-1").is_null(); });
  const std::string text = Expect({"workers", "describe", "gpu-1"}).out;
  EXPECT_TRUE(absl::StrContains(text, "the NVIDIA driver 999.01 is too old")) << text;
  EXPECT_TRUE(absl::StrContains(fleet_.worker().Err(), "GPUs are not used")) << "its log";
  PushTiny();
  Submit("wants-one", {"resources.device=cuda"});
  EXPECT_EQ(Job("wants-one")["state"], "QUEUED");
  Submit("takes-any", {"resources.device=auto"});
  AwaitState("takes-any", "SUCCEEDED");
  EXPECT_TRUE(absl::StrContains(Events("takes-any"), "the NVIDIA driver 999.01 is too old"))
      << Events("takes-any");
}

TEST_F(Devices, WithoutAGpuNobodyIsWarned) {
  setenv("FAKE_GPUS", "0", 1);
  if (Look().exit_code != 0) GTEST_SKIP() << "this machine has a GPU";
  fleet_.StartScheduler();
  fleet_.StartWorker("cpu-1");
  PushTiny();
  Submit("job", {"resources.device=auto"});
  AwaitState("job", "SUCCEEDED");
  EXPECT_FALSE(absl::StrContains(Events("job"), "GPU")) << Events("job");
  EXPECT_FALSE(absl::StrContains(fleet_.worker().Err(), "GPUs are not used"));
}

TEST_F(Devices, DoctorTellsAWorkersOwnNeedsToo) {
  setenv("FAKE_GPUS", "0", 1);
  const auto doctor = [&](const std::string& scheduler) {
    return RunProgram({Program("tune-worker"), "doctor", "--work-dir", folder_ / "work",
                       "--scheduler", scheduler},
                      folder_ / "doctor", absl::Minutes(1));
  };
  const RunResult alone = doctor("127.0.0.1:1");
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(alone.out, "missing  scheduler")) << alone.out;
  EXPECT_TRUE(absl::StrContains(alone.out, "mend: start tune-scheduler there")) << alone.out;
  fleet_.StartScheduler();
  const RunResult both = doctor(fleet_.address());
  EXPECT_TRUE(absl::StrContains(both.out, "ok       scheduler")) << both.out << both.err;
  EXPECT_FALSE(Exists(folder_ / "work"));
}

}  // namespace
}  // namespace tune::testing
