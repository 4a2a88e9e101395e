// The hot state is, after any commits and failures, what a restart would read from the rows.
#include "server/store/hot_state.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

// With the place, and with the labels as text.
using Queued = std::tuple<int64_t, int64_t, std::vector<std::string>, absl::Time, std::string>;
using Share = std::tuple<std::string, std::vector<int32_t>, int64_t, bool>;  // worker, GPUs, …
using Worker =
    std::tuple<std::string, std::vector<int32_t>, int64_t, std::string, std::string>;  // …, labels

struct Seen {
  // By id.
  std::map<std::string, Queued> queued;
  std::map<std::string, Share> held;
  std::map<std::string, Worker> workers;
  std::map<std::string, double> usages;  // by user
  std::map<std::string, Quota> quotas;
  std::map<std::string, int64_t> counts;  // of the queue
  std::map<std::string, Holdings> holdings;

  bool operator==(const Seen&) const = default;
};

constexpr int kJobs = 12, kWorkers = 4;

class HotStateTest : public StoreTest {
 protected:
  Seen Look() {
    Seen seen;
    store().hot().Read([&](const JobQueue& queue, const Fleet& fleet) {
      LookAtJobs(queue, fleet, seen);
      for (const WorkerSlot* slot : fleet.Slots()) {
        seen.workers[slot->id] = {fleet.FindWorker(slot->id)->incarnation, slot->gpus_free,
                                  slot->host_memory_free_bytes, slot->cordoned,
                                  LabelsText(slot->labels)};
      }
    });
    for (const char* user : {"ann", "bob"}) {
      seen.usages[user] = UsageRank(store().hot().UsageOf(user));
    }
    store().hot().Read([&](const JobQueue& queue, const Fleet& fleet, const Quotas& quotas) {
      for (const char* user : {"ann", "bob"}) seen.quotas[user] = quotas.Of(user);
      seen.counts = queue.CountByOwner();
      seen.holdings = fleet.HoldingsByOwner();
    });
    return seen;
  }

  static void LookAtJobs(const JobQueue& queue, const Fleet& fleet, Seen& seen) {
    queue.FindFirst([](const QueuedJob&) { return true; },
                    [&](const QueuedJob& job) {
                      seen.queued[job.id] = {queue.Position(job), job.resources.gpus, job.avoids,
                                             job.queue_time,
                                             LabelsText(job.resources.worker_labels)};
                      return false;
                    });
    for (int i = 0; i < kJobs; ++i) {
      std::string worker;
      const HeldJob* const held = fleet.FindHeld(absl::StrCat("j", i), &worker);
      if (held == nullptr) continue;
      seen.held[held->id] = {worker, held->gpus, held->epoch, held->yields};
    }
  }

  int Roll(int high) { return std::uniform_int_distribution<int>(0, high)(random_); }

  absl::Status ChangeJob(Transaction& transaction) {
    const std::string id = absl::StrCat("j", Roll(kJobs - 1));
    const auto before = transaction.GetJob(id);
    if (!before.ok()) {
      Job job = NewJob(id, Roll(2));
      job.spec.resources.gpus = 1 + Roll(1);
      job.owner = Roll(1) == 0 ? "ann" : "bob";
      if (Roll(1) == 0) job.spec.resources.worker_labels = {{"zone", absl::StrCat(Roll(9))}};
      if (Roll(2) == 0) job.waits_for = {absl::StrCat("j", Roll(kJobs - 1)), "another"};
      return transaction.InsertJob(job, "", "").status();
    }
    if (before->state == JobState::kQueued && !before->waits_for.empty() && Roll(1) == 0) {
      RETURN_IF_ERROR(transaction.DeleteDependency(id, before->waits_for[0]));
      ASSIGN_OR_RETURN(const Job released, transaction.GetJob(id));
      return transaction.UpdateJob(*before, released);
    }
    Job after = *before;
    if (before->state == JobState::kPaused ||
        (before->state == JobState::kQueued && Roll(3) == 0)) {
      const bool pauses = before->state == JobState::kQueued;
      after.state = pauses ? JobState::kPaused : JobState::kQueued;
    } else if (before->state == JobState::kQueued) {
      after = Leased(*before, now());
      after.worker_id = absl::StrCat("w", Roll(kWorkers - 1));
      after.gpus = {Roll(3)};
    } else if (IsHeld(before->state)) {
      after.state = Roll(1) == 0 ? JobState::kRunning : JobState::kQueued;
      after.progress.step += 1;
      after.yield_reason = after.state == JobState::kRunning && Roll(1) == 0 ? "Paused" : "";
      if (after.state == JobState::kQueued) after.avoids.push_back(before->worker_id);
      after.queue_time = now() + absl::Seconds(Roll(9));
    }
    return transaction.UpdateJob(*before, after);
  }

  absl::Status ChangeWorker(Transaction& transaction) {
    const std::string id = absl::StrCat("w", Roll(kWorkers - 1));
    if (Roll(3) == 0) return transaction.DeleteWorker(id);
    if (Roll(3) == 0) return transaction.PutCordon(id, {"", absl::StrCat(Roll(9)), now()});
    if (Roll(3) == 0) return transaction.DeleteCordon(id).status();
    WorkerRecord worker;
    worker.id = id;
    worker.incarnation = absl::StrCat("i", Roll(99));
    worker.resources.gpus.resize(4);
    worker.resources.host_memory_bytes = 1 + Roll(9);
    if (Roll(1) == 0) worker.labels = {{"zone", absl::StrCat(Roll(9))}};
    return transaction.PutWorker(worker);
  }

  absl::Status Change(Transaction& transaction) {
    if (Roll(9) == 0) {
      const Quota quota{.running_jobs = Roll(9)};
      return transaction.PutQuota("ann", Roll(1) == 0 ? std::nullopt : std::optional(quota));
    }
    if (Roll(9) == 0) {
      return transaction.AddUsage(Roll(1) == 0 ? "ann" : "bob", 1 + Roll(9), now());
    }
    return Roll(3) == 0 ? ChangeWorker(transaction) : ChangeJob(transaction);
  }

  std::mt19937 random_{11};
};

TEST_F(HotStateTest, IsWhatARestartReadsFromTheRows) {
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 10; ++i) {
      const bool fails = Roll(2) == 0;
      (void)store().Write([&](Transaction& transaction) -> absl::Status {
        for (int change = Roll(4); change >= 0; --change) RETURN_IF_ERROR(Change(transaction));
        return fails ? absl::AbortedError("taken back") : absl::OkStatus();
      });
    }
    const Seen before = Look();
    store_.reset();
    ASSERT_EQ(before, Look()) << "round " << round;
  }
  EXPECT_FALSE(Look().queued.empty());
  EXPECT_FALSE(Look().held.empty());
}

TEST_F(HotStateTest, IsAsItWasAfterACommitThatFailed) {
  Insert(NewJob("kept"));
  const Seen before = Look();
  // Another scheduler takes the database over: what this one writes fails as a whole.
  const auto successor = OpenStore();
  EXPECT_FALSE(store()
                   .Write([&](Transaction& transaction) {
                     return transaction.InsertJob(NewJob("lost"), "", "").status();
                   })
                   .ok());
  EXPECT_EQ(before, Look());
}

TEST_F(HotStateTest, AWriteSeesWhatTheOneBeforeItLeft) {
  Insert(NewJob("j"));
  const absl::Status status = store().Write([&](Transaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, transaction.GetJob("j"));
    RETURN_IF_ERROR(transaction.UpdateJob(job, Leased(job, now())));
    store().hot().Read([](const JobQueue& queue, const Fleet& fleet) {
      EXPECT_EQ(queue.Find("j"), nullptr);
      EXPECT_NE(fleet.FindHeld("j", nullptr), nullptr);
    });
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace tune::server
