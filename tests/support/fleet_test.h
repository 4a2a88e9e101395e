// A fleet for a test, and the smallest model to train in it (tests/support/tiny).
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {

class FleetTest : public ::testing::Test {
 protected:
  // tunectl ARGS; a test failure, with the logs, where it exits otherwise.
  RunResult Expect(const std::vector<std::string>& args, int exit_code = 0);
  // The model "tiny" and the dataset "sums", which each job of Submit asks for.
  void PushTiny();
  // Sets `fields` ("max_steps=4") of tests/support/tiny/job.yaml.
  void Submit(const std::string& name, const std::vector<std::string>& fields = {});

  Json Job(const std::string& name) { return fleet_.CtlJson({"describe", name}); }
  int64_t Step(const std::string& name);
  // The worker as `workers list` shows it; null where it does not.
  Json Worker(const std::string& name);
  // The messages of the job's history.
  std::string Events(const std::string& name) { return fleet_.Ctl({"events", name}).out; }
  // They look again and again; a test failure, with the logs, after `timeout`.
  void AwaitState(const std::string& name, const std::string& state,
                  absl::Duration timeout = absl::Minutes(1));
  void AwaitStep(const std::string& name, int64_t step);
  void AwaitCheckpoint(const std::string& name);
  void Await(const std::function<bool()>& done, absl::Duration timeout = absl::Minutes(1));
  // The steps that trainers of the worker in `work_folder` told of, in all run folders there.
  int64_t StepsTold(const std::string& work_folder);
  std::string ModelFileHash(const std::string& model, const std::string& file);
  // SHA-256 of the weights of the job's final checkpoint.
  std::string PulledWeights(const std::string& name);

  std::string BlobPath(const std::string& sha256) {
    return folder_ / "scheduler/blobs/sha256/" + sha256.substr(0, 2) + "/" + sha256;
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

// Flips the lowest bit of the file's middle byte, as a failing disk does.
void FlipBit(const std::string& path);

}  // namespace tune::testing
