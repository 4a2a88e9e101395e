#include "server/core/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

WorkerRecord MakeWorker(const std::string& id, int gpus) {
  WorkerRecord worker;
  worker.id = id;
  worker.resources.gpus.resize(gpus);
  worker.resources.host_memory_bytes = 100;
  return worker;
}

HeldJob MakeHeld(const std::string& id, const std::vector<int32_t>& gpus) {
  HeldJob job;
  job.id = id;
  job.resources.gpus = static_cast<int64_t>(gpus.size());
  job.resources.host_memory_bytes = 10;
  job.gpus = gpus;
  return job;
}

TEST(Fleet, AWorkerHasWhatItsJobsLeave) {
  Fleet fleet;
  fleet.Put(MakeWorker("w", 3));
  fleet.Hold("w", MakeHeld("a", {1}));
  fleet.Hold("w", MakeHeld("b", {0}));
  EXPECT_THAT(fleet.FindSlot("w")->gpus_free, ElementsAre(2));
  EXPECT_EQ(fleet.FindSlot("w")->host_memory_free_bytes, 80);
  fleet.Release("a");
  EXPECT_THAT(fleet.FindSlot("w")->gpus_free, ElementsAre(1, 2));
  fleet.Release("b");
  EXPECT_TRUE(fleet.FindSlot("w")->idle);
}

TEST(Fleet, AJobMovesFromOneWorkerToAnother) {
  Fleet fleet;
  fleet.Put(MakeWorker("v", 1));
  fleet.Put(MakeWorker("w", 1));
  fleet.Hold("v", MakeHeld("a", {0}));
  fleet.Hold("w", MakeHeld("a", {0}));
  EXPECT_TRUE(fleet.FindSlot("v")->idle);
  EXPECT_FALSE(fleet.FindSlot("w")->idle);
  std::string holder;
  ASSERT_NE(fleet.FindHeld("a", &holder), nullptr);
  EXPECT_EQ(holder, "w");
}

TEST(Fleet, WhatAWorkerHoldsOutlastsItsRecord) {
  Fleet fleet;
  fleet.Put(MakeWorker("w", 2));
  fleet.Hold("w", MakeHeld("a", {0}));
  fleet.Remove("w");
  EXPECT_EQ(fleet.FindSlot("w"), nullptr);
  EXPECT_THAT(fleet.Slots(), IsEmpty());
  fleet.Put(MakeWorker("w", 2));
  EXPECT_THAT(fleet.FindSlot("w")->gpus_free, ElementsAre(1));
}

TEST(Fleet, ListsTheWorkersById) {
  Fleet fleet;
  for (const char* id : {"b", "c", "a"}) fleet.Put(MakeWorker(id, 0));
  std::vector<std::string> ids;
  for (const WorkerSlot* slot : fleet.Slots()) ids.push_back(slot->id);
  EXPECT_THAT(ids, ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace tune::server
