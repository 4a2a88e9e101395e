// Runs in scratch folders, and what they leave.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/virtual_clock.h"
#include "tiny_folder.h"
#include "worker/trainer/run/run.h"

namespace tune::trainer {

// What a run sees pass between two looks at the clock.
constexpr absl::Duration kTick = absl::Milliseconds(1);

class RunTest : public testing::Test {
 protected:
  RunTest() { MakeInputs(scratch_); }

  absl::StatusOr<Outcome> Start(const std::string& name, const RunFolder& run) {
    EXPECT_TRUE(CreateDirectories(scratch_ / name).ok());
    EXPECT_TRUE(WriteRunFolder(scratch_ / name, run).ok());
    return Continue(name, false);
  }

  absl::StatusOr<Outcome> Continue(const std::string& name, bool resume) {
    return RunTraining(
        {.dir = scratch_ / name, .resume = resume, .stop = &stop_, .clock = &clock_});
  }

  // All ranks of a run, as threads of this process.
  void StartRanks(const std::string& name, RunFolder run, int64_t ranks) {
    run.spec.resources.device = "cpu";
    run.spec.resources.ranks = ranks;
    ASSERT_TRUE(CreateDirectories(scratch_ / name).ok());
    ASSERT_TRUE(WriteRunFolder(scratch_ / name, run).ok());
    ContinueRanks(name, ranks);
  }

  // The same for a run folder that is there, from its own checkpoints if it has some.
  void ContinueRanks(const std::string& name, int64_t ranks) {
    const std::vector<absl::Status> ends = EndsOfRanks(name, ranks);
    for (size_t rank = 0; rank < ends.size(); ++rank) {
      EXPECT_TRUE(ends[rank].ok()) << rank << ": " << ends[rank];
    }
  }

  // How each rank's run of this folder ends.
  std::vector<absl::Status> EndsOfRanks(const std::string& name, int64_t ranks) {
    std::vector<absl::Status> ends(ranks);
    std::vector<std::thread> threads;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        VirtualClock clock(absl::UnixEpoch(), kTick);
        ends[rank] = RunTraining({.dir = scratch_ / name,
                                  .resume = true,
                                  .launched = true,
                                  .rank = rank,
                                  .stop = &stop_,
                                  .clock = &clock})
                         .status();
      });
    }
    for (std::thread& thread : threads) thread.join();
    return ends;
  }

  void ExpectSameCurve(const std::string& name, const std::string& other, double tolerance) {
    const auto steps = Events(name, "step"), others = Events(other, "step");
    ASSERT_FALSE(steps.empty());
    const size_t skipped = others.size() - steps.size();
    for (size_t i = 0; i < steps.size(); ++i) {
      for (const char* field : {"loss", "grad_norm"}) {
        const double value = steps[i][field], expected = others[skipped + i][field];
        EXPECT_NEAR(value, expected, tolerance * expected) << name << " " << i << " " << field;
      }
    }
  }

  std::string File(const std::string& path) {
    const auto content = ReadFile(scratch_ / path);
    EXPECT_TRUE(content.ok()) << content.status();
    return content.value_or("");
  }

  // The events of one kind; every line must be JSON with a time and one event.
  std::vector<Json> Events(const std::string& name, const std::string& kind) {
    std::vector<Json> events;
    std::istringstream lines(File(name + "/events.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto json = ParseJson(line);
      EXPECT_TRUE(json.ok()) << line;
      EXPECT_EQ(json->size(), 2u) << line;
      absl::Time time;
      EXPECT_TRUE(
          absl::ParseTime(absl::RFC3339_full, (*json)["time"].get<std::string>(), &time, nullptr));
      if (json->contains(kind)) events.push_back((*json)[kind]);
    }
    return events;
  }

  // "step loss rate norm" of each step.
  std::vector<std::string> Curve(const std::string& name) {
    std::vector<std::string> curve;
    for (const Json& step : Events(name, "step")) {
      curve.push_back(absl::StrCat(DumpJson(step["step"]), " ", DumpJson(step["loss"]), " ",
                                   DumpJson(step["learning_rate"]), " ",
                                   DumpJson(step["grad_norm"])));
    }
    return curve;
  }

  std::string FailureMessage(const std::string& name, const std::string& reason) {
    const auto failures = Events(name, "failed");
    EXPECT_EQ(failures.size(), 1u);
    if (failures.empty()) return "";
    EXPECT_EQ(failures[0]["reason"], reason);
    return failures[0]["message"];
  }

  ScratchFolder scratch_;
  std::atomic<bool> stop_ = false;
  VirtualClock clock_{absl::UnixEpoch(), kTick};
};

}  // namespace tune::trainer
