// tunectl as a function call: arguments in, exit code and streams out.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "client/cli.h"
#include "tests/unit/client/scheduler_fixture.h"

namespace tune::client {

class FakeClock : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixSeconds(1'764'000'000) + passed; }
  absl::Duration Monotonic() override { return passed; }

  absl::Duration passed = absl::Seconds(3600);
};

class TunectlTest : public ::testing::Test {
 protected:
  TunectlTest() {
    std::string pattern = ::testing::TempDir() + "/tunectl_test.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    EXPECT_TRUE(CreateDirectories(folder_ + "/blobs").ok());
    scheduler_ = std::make_unique<SchedulerFixture>(folder_ + "/blobs");
  }
  ~TunectlTest() override {
    scheduler_.reset();
    (void)RemoveAll(folder_);
  }

  int Run(std::vector<std::string> args) {
    args.insert(args.begin(), {"--server", scheduler_->address()});
    return RunAnywhere(args);
  }

  int RunAnywhere(const std::vector<std::string>& args) {
    std::ostringstream out, err;
    const Surroundings surroundings{out,
                                    err,
                                    [this](int, const std::string&) { return screen_; },
                                    clock_,
                                    [this](absl::Duration d) { clock_.passed += d; },
                                    login_};
    const int code = RunTunectl(args, surroundings);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string File(const std::string& name, const std::string& content) {
    const std::string path = JoinPath(folder_, name);
    EXPECT_TRUE(WriteFileDurably(path, content).ok());
    return path;
  }

  std::string folder_;
  std::unique_ptr<SchedulerFixture> scheduler_;
  FakeClock clock_;
  Screen screen_;
  std::string login_;
  std::string out_, err_;
};

}  // namespace tune::client
