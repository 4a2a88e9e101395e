#include "server/core/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server/core/asking.h"

namespace tune::server {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

ResourceSpec Needs(const std::string& device, int64_t gpus = 1, int64_t memory = 0) {
  return {.device = device, .gpus = gpus, .host_memory_bytes = memory, .ranks = 0};
}

WorkerRecord Worker(const std::string& id, int gpus, int64_t memory = 16 * kGiB) {
  WorkerRecord worker;
  worker.id = id;
  worker.resources.gpus.resize(gpus);
  worker.resources.host_memory_bytes = memory;
  return worker;
}

// The worker while it holds these jobs.
WorkerSlot Holding(WorkerSlot worker, const std::vector<HeldJob>& held) {
  for (const HeldJob& job : held) Occupy(job, worker);
  return worker;
}

QueuedJob Queued(const ResourceSpec& resources) {
  QueuedJob job;
  job.resources = resources;
  return job;
}

QueuedJob QueuedAs(const std::string& id, int64_t priority, int64_t order) {
  QueuedJob job = Queued(Needs("cuda"));
  job.id = id;
  job.priority = priority;
  job.submit_order = order;
  return job;
}

TEST(Placement, AutoTakesGpusWhereThereAreSomeElseTheCpu) {
  EXPECT_EQ(GpusTaken(Needs("auto", 2), 4), 2);
  EXPECT_EQ(GpusTaken(Needs("auto", 2), 0), 0);
  EXPECT_EQ(GpusTaken(Needs("cpu", 2), 4), 0);
  EXPECT_TRUE(Fits(Needs("auto", 2), MakeSlot(Worker("w", 0))));
  EXPECT_FALSE(Fits(Needs("auto", 2), MakeSlot(Worker("w", 1))));
}

TEST(Placement, CudaNeedsEnoughGpus) {
  EXPECT_FALSE(Fits(Needs("cuda"), MakeSlot(Worker("w", 0))));
  EXPECT_TRUE(Fits(Needs("cuda", 2), MakeSlot(Worker("w", 2))));
  EXPECT_FALSE(Fits(Needs("cuda", 3), MakeSlot(Worker("w", 2))));
}

TEST(Placement, HostMemoryCounts) {
  EXPECT_TRUE(Fits(Needs("cpu", 1, 16 * kGiB), MakeSlot(Worker("w", 0))));
  EXPECT_FALSE(Fits(Needs("cpu", 1, 16 * kGiB + 1), MakeSlot(Worker("w", 0))));
}

TEST(Placement, GpusAreSharedOutAndTheCpuIsNot) {
  const WorkerSlot slot =
      Holding(MakeSlot(Worker("w", 2)), {{"held", Needs("cuda", 1, 10 * kGiB), {1}}});
  EXPECT_EQ(slot.gpus_free.size(), 1u);
  EXPECT_TRUE(FitsNow(Needs("cuda"), slot));
  EXPECT_FALSE(FitsNow(Needs("cuda", 2), slot));
  EXPECT_FALSE(FitsNow(Needs("cpu"), slot));
  EXPECT_FALSE(FitsNow(Needs("cuda", 1, 7 * kGiB), slot));
  EXPECT_TRUE(FitsNow(Needs("cuda", 1, 6 * kGiB), slot));
}

TEST(Placement, AJobOnTheCpuTakesTheWholeWorker) {
  const WorkerSlot slot = Holding(MakeSlot(Worker("w", 2)), {{"held", Needs("cpu"), {}}});
  EXPECT_FALSE(FitsNow(Needs("cuda"), slot));
  EXPECT_FALSE(FitsNow(Needs("cpu"), slot));
}

TEST(Placement, TheQueueGoesByPriorityThenBySubmission) {
  const std::vector<QueuedJob> queue = {QueuedAs("late", 0, 3), QueuedAs("early", 0, 1),
                                        QueuedAs("high", 5, 9)};
  const WorkerSlot w = MakeSlot(Worker("w", 3));
  EXPECT_THAT(AskInTurn(queue, {w}),
              testing::ElementsAre(Assignment{"high", "w", {0}}, Assignment{"early", "w", {1}},
                                   Assignment{"late", "w", {2}}));
}

TEST(Placement, TheGpusThatOthersHoldAreNotGivenOut) {
  const WorkerSlot w = Holding(MakeSlot(Worker("w", 4)), {{"held", Needs("cuda", 2), {0, 2}}});
  EXPECT_THAT(w.gpus_free, testing::ElementsAre(1, 3));
  EXPECT_THAT(AskInTurn({QueuedAs("j", 0, 1)}, {w}),
              testing::ElementsAre(Assignment{"j", "w", {1}}));
}

TEST(Placement, OnlyWhoIsWellGetsAJob) {
  WorkerSlot sick = MakeSlot(Worker("b", 1));
  sick.unhealthy = "no room";
  EXPECT_THAT(AskInTurn({QueuedAs("j", 0, 1)}, {sick}), testing::IsEmpty());
  EXPECT_EQ(AskInTurn({QueuedAs("j", 0, 1)}, {sick, MakeSlot(Worker("c", 1))})[0].worker_id, "c");
}

TEST(Placement, AJobWaitsForAnotherWorkerThanTheOneItFailedOn) {
  QueuedJob job = QueuedAs("j", 0, 1);
  job.avoids = {"a"};
  const WorkerSlot a = MakeSlot(Worker("a", 1));
  WorkerSlot busy = Holding(MakeSlot(Worker("b", 1)), {{"held", Needs("cuda"), {0}}});
  EXPECT_THAT(AskInTurn({job}, {a, busy}), testing::IsEmpty());
  busy.unhealthy = "no room";
  EXPECT_EQ(AskInTurn({job}, {a, busy})[0].worker_id, "a");
  EXPECT_EQ(AskInTurn({job}, {a})[0].worker_id, "a");
  EXPECT_EQ(AskInTurn({job}, {a, MakeSlot(Worker("c", 1))})[0].worker_id, "c");
}

FieldPaths Sets(const std::vector<std::string>& fields) {
  return std::make_shared<const std::vector<std::string>>(fields);
}

WorkerSlot WithTrainer(const std::string& id, const std::string& version,
                       const std::vector<std::string>& fields) {
  WorkerRecord worker = Worker(id, 1);
  worker.trainer_version = version;
  worker.spec_fields = fields;
  return MakeSlot(worker);
}

TEST(Placement, AJobGoesOnlyWhereTheTrainerKnowsWhatItSets) {
  QueuedJob job = QueuedAs("j", 5, 1);
  job.fields_set = Sets({"adapter", "model"});
  QueuedJob plain = QueuedAs("plain", 0, 2);
  plain.fields_set = Sets({"model"});
  const WorkerSlot old = WithTrainer("a", "0.1", {"model", "epochs"});
  EXPECT_THAT(AskInTurn({job, plain}, {old}), testing::ElementsAre(Assignment{"plain", "a", {0}}));
  EXPECT_EQ(AskInTurn({job}, {old, WithTrainer("b", "0.2", {"model", "adapter"})})[0].worker_id,
            "b");
}

TEST(Placement, AnAvoidedWorkerIsTakenWhereTheOthersLackAField) {
  QueuedJob job = QueuedAs("j", 0, 1);
  job.fields_set = Sets({"adapter"});
  job.avoids = {"b"};
  const WorkerSlot old = WithTrainer("a", "0.1", {}), knows = WithTrainer("b", "0.2", {"adapter"});
  EXPECT_EQ(AskInTurn({job}, {old, knows})[0].worker_id, "b");
}

TEST(Placement, AJobThatNoTrainerKnowsSaysWhichFieldsWhichTrainersLack) {
  QueuedJob job = Queued(Needs("cuda"));
  job.fields_set = Sets({"adapter", "model", "packing"});
  const WorkerSlot older = WithTrainer("a", "0.1", {"model"});
  WorkerSlot newer = WithTrainer("b", "0.2", {"adapter", "model"});
  const WaitReason why = ExplainWait(job, {older, newer});
  EXPECT_EQ(why.reason, "NoWorkerOfVersion");
  EXPECT_THAT(why.message, testing::AllOf(testing::HasSubstr("0.1 lacks adapter, packing"),
                                          testing::HasSubstr("0.2 lacks packing"),
                                          testing::HasSubstr("upgrade")));
  job.fields_set = Sets({"adapter"});
  EXPECT_EQ(ExplainWait(job, {older, newer}).reason, "AwaitsWorker");
  newer.unhealthy = "no room";
  EXPECT_THAT(ExplainWait(job, {older, newer}).message, testing::HasSubstr("no room"));
}

TEST(Placement, AJobWhoseFileNoTrainerReadsNamesItsDataset) {
  QueuedJob job = Queued(Needs("cuda"));
  job.fields_set = Sets({"file=csv", "file=parquet", "model"});
  job.file_kinds = {{"datasets/faq", "csv"}, {"datasets/oig", "parquet"}};
  const WorkerSlot without_arrow = WithTrainer("a", "0.1", {"file=csv", "model"});
  const WaitReason why = ExplainWait(job, {without_arrow});
  EXPECT_EQ(why.reason, "NoWorkerForFile");
  EXPECT_THAT(why.message, testing::AllOf(testing::HasSubstr("datasets/oig (parquet)"),
                                          testing::Not(testing::HasSubstr("datasets/faq")),
                                          testing::HasSubstr("workers/a")));
  const WorkerSlot older = WithTrainer("b", "0.0", {});
  EXPECT_EQ(ExplainWait(job, {older}).reason, "NoWorkerOfVersion");
  EXPECT_EQ(ExplainWait(job, {older, without_arrow}).reason, "NoWorkerForFile");
  const WorkerSlot reads = WithTrainer("c", "0.1", {"file=csv", "file=parquet", "model"});
  EXPECT_EQ(ExplainWait(job, {without_arrow, reads}).reason, "AwaitsWorker");
}

TEST(Placement, AWorkerWithoutATrainerToAskIsUnfitNotOld) {
  QueuedJob job = Queued(Needs("cuda"));
  job.fields_set = Sets({"model"});
  WorkerSlot unfit = WithTrainer("a", "", {});
  unfit.unhealthy = "tune-trainer does not start";
  EXPECT_EQ(ExplainWait(job, {unfit}).reason, "NoHealthyWorker");
}

TEST(Placement, ARetryThatIsNotDueHoldsNobodyUp) {
  QueuedJob retry = QueuedAs("retry", 9, 1);
  retry.due = false;
  EXPECT_THAT(AskInTurn({retry, QueuedAs("j", 0, 2)}, {MakeSlot(Worker("w", 1))}),
              testing::ElementsAre(Assignment{"j", "w", {0}}));
}

TEST(Placement, TheReasonToWait) {
  const WorkerSlot cpu = MakeSlot(Worker("c", 0));
  const WorkerSlot gpu = MakeSlot(Worker("g", 1));
  const auto reason = [&](const QueuedJob& job, const std::vector<WorkerSlot>& workers) {
    return ExplainWait(job, workers).reason;
  };
  EXPECT_EQ(reason(Queued(Needs("cpu")), {}), "NoWorker");
  EXPECT_EQ(reason(Queued(Needs("cuda")), {cpu}), "NoGpuWorker");
  EXPECT_EQ(reason(Queued(Needs("cuda", 2)), {cpu, gpu}), "NoGpuWorker");
  EXPECT_EQ(reason(Queued(Needs("cpu", 1, 17 * kGiB)), {cpu}), "NoWorkerWithMemory");
  EXPECT_EQ(reason(Queued(Needs("cuda")), {cpu, gpu}), "AwaitsWorker");
  const WorkerSlot busy = Holding(MakeSlot(Worker("b", 1)), {{"held", Needs("cuda"), {0}}});
  EXPECT_EQ(reason(Queued(Needs("cuda")), {cpu, busy}), "NoIdleWorker");
  QueuedJob retry = Queued(Needs("cpu"));
  retry.due = false;
  EXPECT_EQ(reason(retry, {cpu}), "RetryDelay");
}

TEST(Placement, ABenchedWorkerIsNotCalledBusy) {
  const WorkerSlot busy = Holding(MakeSlot(Worker("a", 1)), {{"held", Needs("cuda"), {0}}});
  WorkerSlot benched = MakeSlot(Worker("b", 1));
  benched.unhealthy = "gets no job for 28s";
  benched.spec_fields = Sets({"model"});  // its trainer has told what it knows
  EXPECT_EQ(ExplainWait(Queued(Needs("cuda")), {busy}).message,
            "every fitting worker that is well is busy; it starts when one is free");
  EXPECT_THAT(ExplainWait(Queued(Needs("cuda")), {busy, benched}).message,
              testing::EndsWith("; workers/b: gets no job for 28s"));
  EXPECT_THAT(ExplainWait(Queued(Needs("cuda")), {busy, benched, benched}).message,
              testing::EndsWith("; 1 more of them get no job either"));
}

TEST(Placement, ALabelThatIsMissingIsNamedWithTheNearestWorker) {
  QueuedJob job = Queued(Needs("cpu"));
  job.resources.worker_labels = {{"disk", "nvme"}, {"zone", "cellar"}};
  WorkerSlot far = MakeSlot(Worker("far", 0)), near = MakeSlot(Worker("near", 0));
  near.labels = {{"disk", "nvme"}, {"zone", "attic"}};
  const WaitReason why = ExplainWait(job, {far, near});
  EXPECT_EQ(why.reason, "NoWorkerWithLabels");
  EXPECT_THAT(why.message, testing::HasSubstr("workers/near, the nearest, lacks zone=cellar;"));
  WorkerRecord record = Worker("w", 0);
  record.labels = {{"disk", "nvme"}, {"more", ""}, {"zone", "cellar"}};
  EXPECT_EQ(ExplainWait(job, {far, MakeSlot(record)}).reason, "AwaitsWorker");
  EXPECT_FALSE(FitsNow(job, near));
  EXPECT_FALSE(Fits(job.resources, near));
}

TEST(Placement, ACordonedWorkerIsNeitherUnwellNorBusy) {
  WorkerSlot cordoned = MakeSlot(Worker("a", 1));
  cordoned.cordoned = "is cordoned by alice: new disk";
  const WaitReason alone = ExplainWait(Queued(Needs("cuda")), {cordoned});
  EXPECT_EQ(alone.reason, "WorkersCordoned");
  EXPECT_THAT(alone.message, testing::AllOf(testing::HasSubstr("workers/a is cordoned by alice"),
                                            testing::EndsWith("tunectl workers uncordon a")));
  const WorkerSlot busy = Holding(MakeSlot(Worker("b", 1)), {{"held", Needs("cuda"), {0}}});
  EXPECT_THAT(ExplainWait(Queued(Needs("cuda")), {busy, cordoned}).message,
              testing::EndsWith("; workers/a is cordoned by alice: new disk"));
  EXPECT_EQ(ExplainWait(Queued(Needs("cuda")), {cordoned, MakeSlot(Worker("c", 1))}).reason,
            "AwaitsWorker");
  WorkerRecord record = Worker("d", 1);
  record.cordon = Cordon{.user = "", .reason = "", .time = absl::UnixEpoch()};
  EXPECT_EQ(MakeSlot(record).cordoned, "is cordoned");
}

TEST(Placement, TheMessageHasTheNumbersAndWhatToDo) {
  const WorkerSlot cpu = MakeSlot(Worker("c", 0));
  EXPECT_THAT(ExplainWait(Queued(Needs("cpu", 1, 17 * kGiB + kGiB / 2)), {cpu}).message,
              testing::AllOf(testing::HasSubstr("17.5 GiB"),
                             testing::HasSubstr("resources.host_memory_bytes")));
  EXPECT_THAT(ExplainWait(Queued(Needs("cuda", 4)), {cpu}).message,
              testing::AllOf(testing::HasSubstr("4 GPU"), testing::HasSubstr("resources.device")));
  EXPECT_THAT(ExplainWait(Queued(Needs("cpu")), {}).message, testing::HasSubstr("tune-worker"));
}

}  // namespace
}  // namespace tune::server
