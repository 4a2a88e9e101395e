// A full disk, for real: a small tmpfs under the scheduler, another under the worker.
// What was acknowledged stays, the error says what to do, and with room again the
// service goes on.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/files.h"
#include "tests/support/fleet.h"

namespace tune::testing {
namespace {

class SmallVolume {
 public:
  SmallVolume(std::string path, const std::string& size) : path_(std::move(path)) {
    EXPECT_TRUE(CreateDirectories(path_).ok());
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallVolume() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  // Leaves about `left` bytes.
  void Fill(int64_t left) {
    const int64_t free = *FreeBytes(path_);
    auto file = OutputFile::Open(path_ + "/ballast");
    ASSERT_TRUE(file.ok());
    const std::string block(64 << 10, 'x');
    for (int64_t used = 0; used + left < free; used += block.size()) {
      if (!(*file)->Write(block).ok()) return;
    }
  }
  void Empty() { (void)RemoveAll(path_ + "/ballast"); }

 private:
  std::string path_;
  bool mounted_;
};

class FullDisk : public ::testing::Test {
 protected:
  RunResult Expect(const std::vector<std::string>& args, int exit_code = 0) {
    const RunResult result = fleet_.Ctl(args);
    EXPECT_EQ(result.exit_code, exit_code) << result.out << result.err << fleet_.LogTails();
    return result;
  }
  void PushDemo() {
    Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
            "--tokenizer", SourceFile("deploy/demo/tokenizer.json")});
    Expect({"datasets", "push", "demo", SourceFile("deploy/demo/dataset.jsonl")});
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

TEST_F(FullDisk, TheSchedulerRefusesAnUploadAndGoesOnWhenThereIsRoom) {
  SmallVolume volume(folder_ / "scheduler", "96m");
  if (!volume.mounted()) GTEST_SKIP() << "cannot mount a tmpfs: needs root";
  fleet_.StartScheduler();
  PushDemo();
  volume.Fill(1 << 20);
  const std::string big = folder_ / "big.jsonl";
  const std::string row = "{\"prompt\":\"p\",\"response\":\"" + std::string(4 << 20, 'y') + "\"}\n";
  ASSERT_TRUE(WriteFileDurably(big, row + row).ok());
  const RunResult refused = Expect({"datasets", "push", "big", big}, 1);
  EXPECT_NE(refused.err.find("free"), std::string::npos) << refused.err;
  EXPECT_NE(Expect({"datasets", "list"}).out.find("demo"), std::string::npos);

  volume.Empty();
  Expect({"datasets", "push", "big", big});
  fleet_.StartWorker("cpu-1");
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "after", "--set",
          "max_steps=1", "--wait"});
}

TEST_F(FullDisk, AWorkerWithoutRoomTakesNoJobUntilThereIsSome) {
  SmallVolume volume(folder_ / "cpu-1", "256m");
  if (!volume.mounted()) GTEST_SKIP() << "cannot mount a tmpfs: needs root";
  fleet_.StartScheduler();
  PushDemo();
  volume.Fill(256 << 10);
  fleet_.StartWorker("cpu-1");
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "job", "--set",
          "max_steps=4", "--set", "checkpoint_every=1", "--set", "retries=0"});
  ASSERT_TRUE(WaitUntil(
      [&] { return fleet_.LogTails().find("unfit and takes no job") != std::string::npos; },
      absl::Minutes(2)))
      << fleet_.LogTails();
  volume.Empty();
  Expect({"wait", "job"});
}

}  // namespace
}  // namespace tune::testing
