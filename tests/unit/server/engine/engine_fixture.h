// An engine over a folder of its own, a clock that stands until it is moved, and the
// calls of a worker in short.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/core/lease.h"
#include "server/core/training_report.h"
#include "server/engine/engine.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/virtual_clock.h"

namespace tune::server {

class RecordingObserver : public EngineObserver {
 public:
  void JobSubmitted() override { ++submitted; }
  void JobFinished(JobState result, absl::Duration run_time) override {
    finished.push_back({result, run_time});
  }
  void AttemptStarted(absl::string_view reason, absl::Duration queue_wait) override {
    started.push_back({std::string(reason), queue_wait});
  }
  void LeaseExpired() override { ++expired; }
  void WorkerBenched() override { ++benched; }

  int submitted = 0;
  int expired = 0;
  int benched = 0;
  std::vector<std::pair<JobState, absl::Duration>> finished;
  std::vector<std::pair<std::string, absl::Duration>> started;
};

// What a trainer of this version knows of a run spec.
std::vector<std::string> AllSpecFields();

class EngineTest : public ::testing::Test {
 protected:
  EngineTest();

  // Ends the engine and opens the same folder again, as a restart does.
  void Reopen(const LeaseOptions& options = {});
  Engine& engine() { return *engine_; }

  // Puts a blob into the store.
  FileEntry Upload(const std::string& path, const std::string& content);
  // models/m, a real one with 512 positions, and datasets/d.
  void PushInputs();
  std::vector<FileEntry> ModelFileEntries();
  NewJob Request(const std::string& id);
  Job Submit(const NewJob& request);
  // PushInputs (once), and a job with these retries.
  Job SubmitJob(const std::string& id, int64_t retries = 3);

  absl::Status Register(const std::string& worker_id, const std::string& incarnation = "i1",
                        int gpus = 0);
  std::optional<Lease> Acquire(const std::string& worker_id, const std::string& request_id = "",
                               const std::string& incarnation = "i1");
  // Registers worker "w" and leases it the first job.
  Lease LeaseFirst();
  std::vector<LeaseKey> Heartbeat(const std::string& worker_id, const std::vector<LeaseKey>& held,
                                  const std::string& incarnation = "i1");
  // Advances in steps of a second, with the ticker's call after each.
  void PassTime(absl::Duration duration);

  static TrainingReport Started(int64_t total_steps, int64_t resumed_step = 0);
  static TrainingReport Step(int64_t step);
  absl::StatusOr<Checkpoint> Commit(const LeaseKey& key, int64_t step, bool final = false,
                                    const std::string& content = "");

  Job Get(const std::string& id);
  std::vector<JobEvent> Events(const std::string& id);

  ScratchFolder folder_{ScratchFolder::Where::kMemory};
  VirtualClock clock_;
  RecordingObserver observer_;
  std::unique_ptr<Engine> engine_;

 private:
  int requests_ = 0;
};

}  // namespace tune::server
