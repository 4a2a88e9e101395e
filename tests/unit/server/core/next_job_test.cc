// What holds of NextJob for any queue and any fleet whose workers ask, on many random ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "server/core/placement.h"
#include "tests/unit/server/core/asking.h"

namespace tune::server {
namespace {

constexpr int kRounds = 2000;
constexpr int64_t kGiB = int64_t{1} << 30;

class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  int64_t Roll(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool OneIn(int64_t n) { return Roll(1, n) == 1; }
  template <class T>
  void Shuffle(std::vector<T>& items) {
    std::shuffle(items.begin(), items.end(), random_);
  }

 private:
  std::mt19937 random_;
};

WorkerSlot RandomWorker(Dice& dice, int64_t number) {
  WorkerSlot slot;
  slot.id = absl::StrCat("w", number);
  slot.gpus = dice.Roll(0, 4);
  slot.host_memory_bytes = dice.Roll(1, 8) * kGiB;
  slot.idle = !dice.OneIn(3);
  slot.host_memory_free_bytes = slot.idle ? slot.host_memory_bytes : slot.host_memory_bytes / 2;
  for (int32_t gpu = 0; gpu < slot.gpus; ++gpu) {
    if (slot.idle || dice.OneIn(2)) slot.gpus_free.push_back(gpu);
  }
  if (dice.OneIn(5)) slot.unhealthy = "its disk is full";
  if (dice.OneIn(6)) slot.cordoned = "is cordoned";
  if (dice.OneIn(2)) slot.labels = {{"zone", dice.OneIn(2) ? "a" : "b"}};
  if (!dice.OneIn(4)) {
    slot.spec_fields = std::make_shared<const std::vector<std::string>>(
        std::vector<std::string>{"adapter", "model"});
  }
  return slot;
}

QueuedJob RandomJob(Dice& dice, int64_t number) {
  static const char* const kDevices[] = {"auto", "cpu", "cuda"};
  QueuedJob job;
  job.id = absl::StrCat("j", number);
  job.submit_order = number;
  job.priority = dice.Roll(-1, 1);
  job.resources.device = kDevices[dice.Roll(0, 2)];
  job.resources.gpus = dice.Roll(1, 3);
  job.resources.host_memory_bytes = dice.OneIn(2) ? 0 : dice.Roll(1, 8) * kGiB;
  if (dice.OneIn(4)) job.resources.worker_labels = {{"zone", "a"}};
  job.due = !dice.OneIn(6);
  if (dice.OneIn(6)) job.waits_for = {"another"};
  if (dice.OneIn(3))
    job.fields_set = std::make_shared<const std::vector<std::string>>(1, "adapter");
  if (dice.OneIn(3)) job.avoids.push_back(absl::StrCat("w", dice.Roll(0, 4)));
  return job;
}

struct Snapshot {
  std::vector<QueuedJob> queue;
  Workers fleet;
  std::set<std::string> askers;

  std::vector<Assignment> Ask() const { return AskInTurn(queue, fleet, askers); }
};

Snapshot RandomSnapshot(Dice& dice) {
  Snapshot snapshot;
  const int64_t jobs = dice.Roll(0, 8), workers = dice.Roll(0, 5);
  for (int64_t i = 0; i < jobs; ++i) snapshot.queue.push_back(RandomJob(dice, i));
  for (int64_t i = 0; i < workers; ++i) snapshot.fleet.push_back(RandomWorker(dice, i));
  for (const WorkerSlot& worker : snapshot.fleet) {
    if (!dice.OneIn(4)) snapshot.askers.insert(worker.id);
  }
  return snapshot;
}

const QueuedJob& JobOf(const Snapshot& snapshot, const std::string& id) {
  return *std::find_if(snapshot.queue.begin(), snapshot.queue.end(),
                       [&](const QueuedJob& job) { return job.id == id; });
}

WorkerSlot& SlotOf(std::vector<WorkerSlot>& fleet, const std::string& id) {
  return *std::find_if(fleet.begin(), fleet.end(),
                       [&](const WorkerSlot& slot) { return slot.id == id; });
}

// Takes an assignment's share off its worker, checking that it is there.
void Take(const QueuedJob& job, const Assignment& assignment, WorkerSlot& slot) {
  const int64_t gpus = GpusTaken(job.resources, slot.gpus);
  ASSERT_EQ(static_cast<int64_t>(assignment.gpus.size()), gpus);
  if (gpus == 0) {
    ASSERT_TRUE(slot.idle) << "a job on the CPU takes the whole worker";
    slot.gpus_free.clear();
  }
  for (const int32_t gpu : assignment.gpus) {
    ASSERT_EQ(std::erase(slot.gpus_free, gpu), 1u) << "GPU " << gpu << " is not free";
  }
  for (const auto& [key, value] : job.resources.worker_labels) ASSERT_EQ(slot.labels[key], value);
  slot.host_memory_free_bytes -= job.resources.host_memory_bytes;
  ASSERT_GE(slot.host_memory_free_bytes, 0);
  slot.idle = false;
}

bool MayBegin(const QueuedJob& job) { return job.due && job.waits_for.empty(); }

bool Avoids(const QueuedJob& job, const WorkerSlot& slot) {
  return std::count(job.avoids.begin(), job.avoids.end(), slot.id) > 0;
}

TEST(NextJob, TakesNothingThatIsNotFree) {
  Dice dice(1);
  size_t assignments = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Snapshot snapshot = RandomSnapshot(dice);
    std::vector<WorkerSlot> fleet = snapshot.fleet;
    std::set<std::string> placed;
    for (const Assignment& assignment : snapshot.Ask()) {
      const QueuedJob& job = JobOf(snapshot, assignment.job_id);
      WorkerSlot& slot = SlotOf(fleet, assignment.worker_id);
      EXPECT_TRUE(placed.insert(job.id).second) << "placed twice";
      EXPECT_TRUE(MayBegin(job) && snapshot.askers.contains(slot.id) && GetsJobs(slot));
      EXPECT_TRUE(FieldsLacking(job, slot).empty());
      ASSERT_NO_FATAL_FAILURE(Take(job, assignment, slot));
    }
    assignments += placed.size();
  }
  EXPECT_GT(assignments, kRounds / 2) << "the snapshots leave too little to decide";
}

TEST(NextJob, DoesNotDependOnTheOrderOfTheSnapshot) {
  Dice dice(2);
  for (int round = 0; round < kRounds; ++round) {
    Snapshot snapshot = RandomSnapshot(dice);
    const std::vector<Assignment> first = snapshot.Ask();
    dice.Shuffle(snapshot.queue);
    dice.Shuffle(snapshot.fleet);
    EXPECT_EQ(snapshot.Ask(), first);
  }
}

bool GoesFirst(const QueuedJob& a, const QueuedJob& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.submit_order < b.submit_order;
}

TEST(NextJob, WhatGoesBehindAJobNeverChangesItsPlace) {
  Dice dice(3);
  for (int round = 0; round < kRounds; ++round) {
    Snapshot snapshot = RandomSnapshot(dice);
    std::sort(snapshot.queue.begin(), snapshot.queue.end(), GoesFirst);
    std::vector<Assignment> expected = snapshot.Ask();
    while (!snapshot.queue.empty()) {
      const std::string last = snapshot.queue.back().id;
      snapshot.queue.pop_back();
      std::erase_if(expected, [&](const Assignment& a) { return a.job_id == last; });
      EXPECT_EQ(snapshot.Ask(), expected);
    }
  }
}

TEST(NextJob, AWorkerGetsTheFirstJobThatItMayHave) {
  Dice dice(7);
  for (int round = 0; round < kRounds; ++round) {
    Snapshot snapshot = RandomSnapshot(dice);
    if (snapshot.askers.empty()) continue;
    const std::string asker = *snapshot.askers.begin();
    const auto placed = AskInTurn(snapshot.queue, snapshot.fleet, {asker});
    std::sort(snapshot.queue.begin(), snapshot.queue.end(), GoesFirst);
    const WorkerSlot& slot = SlotOf(snapshot.fleet, asker);
    for (const QueuedJob& job : snapshot.queue) {
      if (!placed.empty() && job.id == placed[0].job_id) break;
      const bool may = MayBegin(job) && GetsJobs(slot) && !Avoids(job, slot) &&
                       FitsNow(job.resources, slot) && FieldsLacking(job, slot).empty();
      EXPECT_FALSE(may) << job.id << " goes first";
    }
  }
}

TEST(NextJob, NoJobWaitsBesideAWorkerThatCouldTakeIt) {
  Dice dice(4);
  for (int round = 0; round < kRounds; ++round) {
    const Snapshot snapshot = RandomSnapshot(dice);
    std::vector<WorkerSlot> fleet = snapshot.fleet;
    std::set<std::string> placed;
    for (const Assignment& assignment : snapshot.Ask()) {
      Take(JobOf(snapshot, assignment.job_id), assignment, SlotOf(fleet, assignment.worker_id));
      placed.insert(assignment.job_id);
    }
    for (const QueuedJob& job : snapshot.queue) {
      if (!MayBegin(job) || placed.count(job.id) > 0) continue;
      for (const WorkerSlot& slot : fleet) {
        const bool may = snapshot.askers.contains(slot.id) && GetsJobs(slot) &&
                         !Avoids(job, slot) && FieldsLacking(job, slot).empty();
        EXPECT_FALSE(may && FitsNow(job.resources, slot)) << job.id << " on " << slot.id;
      }
    }
  }
}

TEST(NextJob, AJobThatAvoidsNobodyAnyMoreTakesWhatIsFree) {
  Dice dice(6);
  for (int round = 0; round < kRounds; ++round) {
    Snapshot snapshot = RandomSnapshot(dice);
    if (snapshot.queue.empty()) continue;
    QueuedJob only = snapshot.queue[0];
    only.may_avoid = false;
    bool free = false;
    for (const WorkerSlot& slot : snapshot.fleet) {
      free |= snapshot.askers.contains(slot.id) && GetsJobs(slot) &&
              FitsNow(only.resources, slot) && FieldsLacking(only, slot).empty();
    }
    EXPECT_EQ(AskInTurn({only}, snapshot.fleet, snapshot.askers).size(),
              MayBegin(only) && free ? 1u : 0u);
  }
}

TEST(NextJob, AnAvoidedWorkerIsTakenOnlyWhereNoOtherCouldEverRunTheJob) {
  Dice dice(5);
  for (int round = 0; round < kRounds; ++round) {
    const Snapshot snapshot = RandomSnapshot(dice);
    for (const Assignment& assignment : snapshot.Ask()) {
      const QueuedJob& job = JobOf(snapshot, assignment.job_id);
      std::vector<WorkerSlot> fleet = snapshot.fleet;
      if (!Avoids(job, SlotOf(fleet, assignment.worker_id))) continue;
      for (const WorkerSlot& slot : fleet) {
        EXPECT_FALSE(!Avoids(job, slot) && GetsJobs(slot) && Fits(job.resources, slot) &&
                     FieldsLacking(job, slot).empty());
      }
    }
  }
}

}  // namespace
}  // namespace tune::server
