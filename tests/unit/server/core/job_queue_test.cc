#include "server/core/job_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace tune::server {
namespace {

using testing::ElementsAre;

QueuedJob MakeJob(const std::string& id, int64_t priority, int64_t order, int64_t gpus = 1) {
  QueuedJob job;
  job.id = id;
  job.priority = priority;
  job.submit_order = order;
  job.resources.gpus = gpus;
  return job;
}

bool Any(const QueuedJob&) { return true; }

// All jobs that fit, in the order in which they are shown.
std::vector<std::string> Shown(const JobQueue& queue, JobQueue::Judge fits) {
  std::vector<std::string> ids;
  queue.FindFirst(fits, [&](const QueuedJob& job) {
    ids.push_back(job.id);
    return false;
  });
  return ids;
}

TEST(JobQueue, GoesByPriorityThenBySubmission) {
  JobQueue queue;
  queue.Put(MakeJob("late", 0, 3));
  queue.Put(MakeJob("early", 0, 1, 2));
  queue.Put(MakeJob("high", 5, 9));
  EXPECT_THAT(Shown(queue, Any), ElementsAre("high", "early", "late"));
  EXPECT_EQ(queue.Position(*queue.Find("high")), 0);
  EXPECT_EQ(queue.Position(*queue.Find("late")), 2);
  EXPECT_EQ(queue.FindFirst(Any, Any)->id, "high");
}

TEST(JobQueue, AmongEqualsThoseOfTheOwnerWithTheLowerRankGoFirst) {
  JobQueue queue;
  const auto put = [&](const std::string& id, int64_t priority, int64_t order,
                       const std::string& owner) {
    QueuedJob job = MakeJob(id, priority, order);
    job.owner = owner;
    queue.Put(job);
  };
  put("a1", 0, 1, "ann");
  put("a2", 0, 2, "ann");
  put("b3", 0, 3, "bob");
  put("a4", 1, 4, "ann");
  EXPECT_THAT(Shown(queue, Any), ElementsAre("a4", "a1", "a2", "b3"));
  queue.SetRank("ann", 1);
  EXPECT_THAT(Shown(queue, Any), ElementsAre("a4", "b3", "a1", "a2"));
  EXPECT_EQ(queue.Position(*queue.Find("b3")), 1);
  EXPECT_EQ(queue.Position(*queue.Find("a2")), 3);
  queue.SetRank("bob", 2);
  EXPECT_THAT(Shown(queue, Any), ElementsAre("a4", "a1", "a2", "b3"));
  EXPECT_EQ(queue.HighestPriority(), 1);
}

TEST(JobQueue, AJobThatWaitsForAnotherStandsInNobodysWay) {
  JobQueue queue;
  QueuedJob waits = MakeJob("waits", 9, 1);
  waits.waits_for = {"other"};
  queue.Put(waits);
  queue.Put(MakeJob("j", 0, 2));
  EXPECT_THAT(Shown(queue, Any), ElementsAre("j"));
  EXPECT_EQ(queue.Position(*queue.Find("j")), 0);
  EXPECT_EQ(queue.HighestPriority(), 0);
  waits.waits_for.clear();
  queue.Put(waits);
  EXPECT_THAT(Shown(queue, Any), ElementsAre("waits", "j"));
  queue.Remove("waits");
  queue.Remove("j");
  EXPECT_FALSE(queue.HighestPriority().has_value());
}

TEST(JobQueue, AsksOnceForAllThatNeedTheSame) {
  JobQueue queue;
  for (int i = 0; i < 100; ++i) queue.Put(MakeJob(absl::StrCat("j", i), 0, i, 1 + i % 2));
  int asked = 0;
  const auto needs_two = [&](const QueuedJob& job) {
    ++asked;
    return job.resources.gpus == 2;
  };
  EXPECT_EQ(queue.FindFirst(needs_two, Any)->id, "j1");
  EXPECT_EQ(asked, 2);
}

TEST(JobQueue, AJobPutAgainIsReplaced) {
  JobQueue queue;
  queue.Put(MakeJob("j", 0, 1));
  queue.Put(MakeJob("other", 0, 2));
  queue.Put(MakeJob("j", -1, 1, 4));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.Find("j")->resources.gpus, 4);
  EXPECT_EQ(queue.Position(*queue.Find("j")), 1);
}

TEST(JobQueue, KnowsWhoHasWaitedLongest) {
  JobQueue queue;
  EXPECT_FALSE(queue.OldestQueueTime().has_value());
  QueuedJob job = MakeJob("first", 0, 1);
  job.queue_time = absl::FromUnixSeconds(9);
  queue.Put(job);
  job = MakeJob("second", 0, 2);
  job.queue_time = absl::FromUnixSeconds(5);
  queue.Put(job);
  EXPECT_EQ(*queue.OldestQueueTime(), absl::FromUnixSeconds(5));
  queue.Remove("second");
  EXPECT_EQ(*queue.OldestQueueTime(), absl::FromUnixSeconds(9));
}

TEST(JobQueue, IsAsASortedListAfterAnyChanges) {
  std::mt19937 random(7);
  const auto roll = [&](int high) { return std::uniform_int_distribution<int>(0, high)(random); };
  JobQueue queue;
  std::map<std::string, QueuedJob> jobs;
  std::map<std::string, double> ranks;
  for (int i = 0; i <= 3; ++i) queue.SetRank(absl::StrCat("u", i), 0);
  for (int64_t order = 0; order < 3000; ++order) {
    const std::string id = absl::StrCat("j", roll(60));
    if (roll(2) == 0) {
      queue.Remove(id);
      jobs.erase(id);
    } else {
      jobs[id] = MakeJob(id, roll(2), order, roll(3));
      jobs[id].owner = absl::StrCat("u", roll(3));
      queue.Put(jobs[id]);
    }
    const std::string owner = absl::StrCat("u", roll(3));
    queue.SetRank(owner, ranks[owner] = roll(4));
    std::vector<const QueuedJob*> sorted;
    for (const auto& [unused, job] : jobs) sorted.push_back(&job);
    const auto turn = [&](const QueuedJob* job) {
      return std::tuple(-job->priority, ranks[job->owner], job->submit_order);
    };
    std::sort(sorted.begin(), sorted.end(),
              [&](const QueuedJob* a, const QueuedJob* b) { return turn(a) < turn(b); });
    ASSERT_EQ(queue.size(), sorted.size());
    for (size_t i = 0; i < sorted.size(); ++i) {
      ASSERT_EQ(queue.Position(*queue.Find(sorted[i]->id)), static_cast<int64_t>(i));
    }
    const auto small = [](const QueuedJob& job) { return job.resources.gpus < 2; };
    std::vector<std::string> expected;
    for (const QueuedJob* job : sorted) {
      if (small(*job)) expected.push_back(job->id);
    }
    ASSERT_EQ(Shown(queue, small), expected);
  }
}

}  // namespace
}  // namespace tune::server
