// tunectl as a function call: arguments in, exit code and streams out.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "client/cli.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted/scheduler.h"
#include "tests/support/virtual_clock.h"

namespace tune::client {

class TunectlTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> args) {
    args.insert(args.begin(), {"--server", scheduler_.address()});
    return RunAnywhere(args);
  }

  int RunAnywhere(const std::vector<std::string>& args) {
    std::ostringstream out, err;
    const Surroundings surroundings{out,
                                    err,
                                    [this](int, const std::string&) { return screen_; },
                                    clock_,
                                    [this](absl::Duration d) { clock_.Advance(d); },
                                    login_};
    const int code = RunTunectl(args, surroundings);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string File(const std::string& name, const std::string& content) {
    const std::string path = folder_ / name;
    EXPECT_TRUE(WriteFileDurably(path, content).ok());
    return path;
  }

  ScratchFolder folder_;
  testing::ScriptedScheduler scheduler_;
  // An hour after the jobs of the fixture were submitted.
  VirtualClock clock_{absl::FromUnixSeconds(1'764'003'600)};
  Screen screen_;
  std::string login_;
  std::string out_, err_;
};

}  // namespace tune::client
