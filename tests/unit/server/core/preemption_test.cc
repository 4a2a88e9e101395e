#include "server/core/preemption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kRounds = 3000;

WorkerSlot Worker(const std::string& id, int64_t gpus) {
  WorkerRecord record;
  record.id = id;
  record.resources.gpus.resize(static_cast<size_t>(gpus));
  record.resources.host_memory_bytes = 100;
  return MakeSlot(record);
}

QueuedJob Waiting(const std::string& id, int64_t priority, int64_t gpus = 1) {
  QueuedJob job;
  job.id = id;
  job.priority = priority;
  job.submit_order = static_cast<int64_t>(std::hash<std::string>()(id) >> 8);
  job.resources = {.device = "cuda", .gpus = gpus};
  return job;
}

RunningJob Running(const std::string& id, const std::string& worker, int64_t priority,
                   std::vector<int32_t> gpus, int seconds_at_stake = 0) {
  RunningJob job;
  job.held.id = id;
  job.held.priority = priority;
  job.held.resources = {.device = "cuda", .gpus = static_cast<int64_t>(gpus.size())};
  job.held.gpus = std::move(gpus);
  job.worker_id = worker;
  job.at_stake = absl::Seconds(seconds_at_stake);
  return job;
}

std::vector<Preemption> Plan(const std::vector<QueuedJob>& waiting, Workers workers,
                             const std::vector<RunningJob>& running) {
  JobQueue queue;
  for (const QueuedJob& job : waiting) queue.Put(job);
  for (WorkerSlot& worker : workers) {
    for (const RunningJob& job : running) {
      if (job.worker_id == worker.id) Occupy(job.held, worker);
    }
  }
  return PlanPreemptions(queue, workers, running, [](const QueuedJob& job) { return job; });
}

TEST(Preemption, OnlyAHigherPriorityMakesAJobYield) {
  const std::vector<RunningJob> running = {Running("r", "w", 3, {0})};
  EXPECT_THAT(Plan({Waiting("j", 3)}, {Worker("w", 1)}, running), IsEmpty());
  EXPECT_THAT(Plan({Waiting("j", 4)}, {Worker("w", 1)}, running),
              ElementsAre(Preemption{"r", "j", 4}));
}

TEST(Preemption, AFreeWorkerIsTakenFirst) {
  EXPECT_THAT(
      Plan({Waiting("j", 4)}, {Worker("a", 1), Worker("b", 1)}, {Running("r", "a", 0, {0})}),
      IsEmpty());
}

TEST(Preemption, TheJobWithTheLeastAtStakeYieldsOnWhicheverWorker) {
  const std::vector<RunningJob> running = {Running("x", "a", 0, {0}, 600),
                                           Running("y", "b", 1, {0}, 20)};
  EXPECT_THAT(Plan({Waiting("j", 4)}, {Worker("a", 1), Worker("b", 1)}, running),
              ElementsAre(Preemption{"y", "j", 4}));
}

TEST(Preemption, NoMoreYieldThanAreNeeded) {
  const std::vector<RunningJob> running = {Running("small", "w", 0, {0}, 5),
                                           Running("large", "w", 0, {1, 2}, 30),
                                           Running("other", "w", 0, {3}, 1000)};
  EXPECT_THAT(Plan({Waiting("j", 1, 2)}, {Worker("w", 4)}, running),
              ElementsAre(Preemption{"large", "j", 1}))
      << "without large there is room enough: small may stay";
}

TEST(Preemption, WhatYieldsAlreadyIsWaitedFor) {
  RunningJob yields = Running("r", "w", 0, {0});
  yields.held.yields = true;
  const std::vector<RunningJob> running = {yields, Running("s", "w", 0, {1})};
  EXPECT_THAT(Plan({Waiting("j", 1)}, {Worker("w", 2)}, running), IsEmpty());
  EXPECT_THAT(Plan({Waiting("j", 1), Waiting("k", 1)}, {Worker("w", 2)}, running),
              testing::SizeIs(1))
      << "the place is the first's";
}

TEST(Preemption, WhereTheJobGetsNoPlaceNobodyYields) {
  const std::vector<RunningJob> running = {Running("r", "w", 0, {0}), Running("s", "w", 9, {1})};
  EXPECT_THAT(Plan({Waiting("j", 4, 2)}, {Worker("w", 2)}, running), IsEmpty());
  WorkerSlot cordoned = Worker("w", 2);
  cordoned.cordoned = "is cordoned";
  EXPECT_THAT(Plan({Waiting("j", 4)}, {cordoned}, running), IsEmpty());
  QueuedJob not_due = Waiting("j", 4);
  not_due.due = false;
  EXPECT_THAT(Plan({not_due}, {Worker("w", 2)}, running), IsEmpty());
  QueuedJob avoids = Waiting("j", 4);
  avoids.avoids = {"w"};
  EXPECT_THAT(Plan({avoids}, {Worker("w", 2)}, running), IsEmpty());
}

// While a job that was preempted has not gone yet, nothing of a lower priority slips in.
TEST(Preemption, WhatTheFirstLeavesIsKeptForTheJobThatComes) {
  HeldJob preempted = Running("r", "w", 2, {0}).held;
  preempted.yields = preempted.preempted = true;
  WorkerSlot worker = Worker("w", 2);
  Occupy(preempted, worker);
  JobQueue queue;
  queue.Put(Waiting("low", 2));
  const auto now = [](const QueuedJob& job) { return job; };
  EXPECT_FALSE(NextJob(queue, worker, now, [] { return Workers(); }).has_value());
  queue.Put(Waiting("high", 3));
  EXPECT_EQ(NextJob(queue, worker, now, [] { return Workers(); })->job_id, "high");
}

// For any queue and fleet: victims are of a lower priority, what they leave is enough for the jobs
// that they make way for, none is needless, and the same snapshot gives the same plan.
TEST(Preemption, HoldsForAnyQueueAndFleet) {
  std::mt19937 random(7);
  const auto roll = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  int planned = 0;
  for (int round = 0; round < kRounds; ++round) {
    Workers workers;
    std::vector<RunningJob> running;
    for (int w = 0; w < roll(1, 3); ++w) {
      workers.push_back(Worker(absl::StrCat("w", w), roll(1, 4)));
      for (int32_t gpu = 0; gpu < workers.back().gpus;) {
        const auto wide =
            static_cast<int32_t>(std::min<int64_t>(roll(1, 2), workers.back().gpus - gpu));
        std::vector<int32_t> gpus;
        for (int32_t i = 0; i < wide; ++i) gpus.push_back(gpu++);
        if (roll(0, 4) == 0) continue;
        running.push_back(Running(absl::StrCat("r", running.size()), workers.back().id, roll(-1, 2),
                                  gpus, roll(0, 50)));
        running.back().held.yields = roll(0, 5) == 0;
      }
    }
    std::vector<QueuedJob> waiting;
    for (int j = 0; j < roll(0, 4); ++j) {
      waiting.push_back(Waiting(absl::StrCat("j", j), roll(-1, 3), roll(1, 3)));
    }
    const std::vector<Preemption> plan = Plan(waiting, workers, running);
    EXPECT_EQ(plan, Plan(waiting, workers, running));
    planned += static_cast<int>(plan.size());
    std::map<std::string, std::set<std::string>> victims_of;
    for (const Preemption& p : plan) {
      const auto victim = std::find_if(running.begin(), running.end(), [&](const RunningJob& job) {
        return job.held.id == p.victim;
      });
      ASSERT_NE(victim, running.end());
      EXPECT_LT(victim->held.priority, p.priority);
      EXPECT_FALSE(victim->held.yields);
      EXPECT_TRUE(victims_of[p.for_job].insert(p.victim).second) << "asked twice";
    }
    // The first job of the plan: nothing but its own victims was decided before it.
    if (plan.empty()) continue;
    const std::string first = plan[0].for_job;
    const auto fits_without = [&](const std::set<std::string>& gone) {
      for (const WorkerSlot& empty : workers) {
        WorkerSlot slot = empty;
        for (const RunningJob& job : running) {
          const bool stays = !job.held.yields && gone.count(job.held.id) == 0;
          if (stays && job.worker_id == slot.id) Occupy(job.held, slot);
        }
        const auto job = std::find_if(waiting.begin(), waiting.end(),
                                      [&](const QueuedJob& j) { return j.id == first; });
        if (FitsNow(*job, slot)) return true;
      }
      return false;
    };
    EXPECT_TRUE(fits_without(victims_of[first]));
    for (const std::string& victim : victims_of[first]) {
      std::set<std::string> fewer = victims_of[first];
      fewer.erase(victim);
      if (!fits_without(fewer)) continue;
      // Then another job of the queue, that goes before this one, has taken what is free.
      EXPECT_GT(waiting.size(), 1u) << victim << " yields needlessly in round " << round;
    }
  }
  EXPECT_GT(planned, 100);
}

}  // namespace
}  // namespace tune::server
