#include "server/rpc/conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/field_errors.h"
#include "proto/wire/convert.h"

namespace tune::server {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

Job NewJob() {
  Job job;
  job.id = "j";
  return job;
}

TEST(ConversionTest, EveryStateHasItsName) {
  google::protobuf::RepeatedField<int> protos;
  for (const JobState state : kJobStates) {
    EXPECT_EQ(v1::Job::State_Name(ToProto(state)), JobStateName(state));
    protos.Add(ToProto(state));
  }
  EXPECT_EQ(v1::Job::State_descriptor()->value_count(), static_cast<int>(kJobStates.size()) + 1);
  EXPECT_THAT(*StatesFromProto(protos), ElementsAreArray(kJobStates));
}

TEST(ConversionTest, AnUnknownStateIsRefused) {
  for (const int state : {0, 99}) {
    google::protobuf::RepeatedField<int> protos;
    protos.Add(state);
    EXPECT_EQ(StatesFromProto(protos).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ConversionTest, ANewJobHasNoTimesNorProgress) {
  const v1::Job proto = ToProto(NewJob());
  EXPECT_EQ(proto.name(), "jobs/j");
  EXPECT_FALSE(proto.has_start_time());
  EXPECT_FALSE(proto.has_end_time());
  EXPECT_FALSE(proto.has_progress());
  EXPECT_EQ(proto.worker(), "");
  EXPECT_EQ(proto.spec().epochs(), 2);
}

TEST(ConversionTest, WhatIsNotKnownYetIsZeroButALossThatBlewUpIsTold) {
  Job job = NewJob();
  job.progress.update_time = absl::FromUnixSeconds(5);
  EXPECT_EQ(ToProto(job).progress().loss(), 0);
  EXPECT_EQ(ToProto(job).progress().eta_seconds(), 0);
  job.progress.step = 3;
  EXPECT_TRUE(std::isnan(ToProto(job).progress().loss()));
  EXPECT_EQ(ToProto(job).progress().eval_loss(), 0);
}

TEST(ConversionTest, Attempts) {
  Job job = NewJob();
  Attempt& attempt = job.attempts.emplace_back();
  attempt.number = 1;
  attempt.worker_id = "w";
  attempt.start_time = absl::FromUnixSeconds(7);
  attempt.last_step = 9;
  const v1::Job proto = ToProto(job);
  ASSERT_EQ(proto.attempts_size(), 1);
  EXPECT_EQ(proto.attempts(0).worker(), "workers/w");
  EXPECT_EQ(proto.attempts(0).start_time().seconds(), 7);
  EXPECT_FALSE(proto.attempts(0).has_end_time());
  EXPECT_EQ(proto.attempts(0).last_step(), 9);
}

TEST(ConversionTest, TrainingEventsGoThroughTheHistoryUnchanged) {
  v1::TrainingEvent event;
  *event.mutable_time() = ToTimestamp(absl::FromUnixSeconds(3));
  event.mutable_step()->set_step(4);
  event.mutable_step()->set_loss(1.25);
  event.mutable_step()->set_tokens(77);
  (*event.mutable_step()->mutable_phase_seconds())["forward"] = 0.5;
  const TrainingReport report = FromProto(event);
  EXPECT_EQ(report.kind, TrainingReport::Kind::kStep);
  EXPECT_EQ(report.time, absl::FromUnixSeconds(3));
  EXPECT_EQ(report.step, 4);
  EXPECT_EQ(report.loss, 1.25);
  EXPECT_EQ(report.tokens, 77);
  JobEvent held;
  held.seq = 9;
  held.kind = JobEvent::Kind::kTraining;
  held.payload = report.payload;
  const v1::JobEvent back = ToProto(held);
  EXPECT_EQ(back.training().SerializeAsString(), event.SerializeAsString());
  EXPECT_EQ(back.seq(), 9);
}

TEST(ConversionTest, KindsOfReports) {
  v1::TrainingEvent event;
  event.mutable_started()->set_total_steps(10);
  EXPECT_EQ(FromProto(event).kind, TrainingReport::Kind::kStarted);
  EXPECT_EQ(FromProto(event).total_steps, 10);
  event.mutable_evaluation()->set_loss(0.5);
  EXPECT_EQ(FromProto(event).kind, TrainingReport::Kind::kEvaluation);
  EXPECT_EQ(FromProto(event).eval_loss, 0.5);
  event.mutable_sample()->set_text("hello");
  EXPECT_EQ(FromProto(event).kind, TrainingReport::Kind::kOther);
}

TEST(ConversionTest, OtherEvents) {
  JobEvent event;
  event.kind = JobEvent::Kind::kStateChange;
  event.state = JobState::kLeased;
  event.worker_id = "w";
  EXPECT_EQ(ToProto(event).state_change().state(), v1::Job::LEASED);
  EXPECT_EQ(ToProto(event).state_change().worker(), "workers/w");
  event.kind = JobEvent::Kind::kCheckpoint;
  event.checkpoint = "jobs/j/checkpoints/final";
  EXPECT_EQ(ToProto(event).checkpoint(), "jobs/j/checkpoints/final");
  EXPECT_FALSE(ToProto(event).has_state_change());
}

TEST(ConversionTest, LeaseKeys) {
  v1::LeaseKey proto;
  proto.set_job("jobs/j");
  proto.set_epoch(4);
  EXPECT_EQ(*FromProto(proto), (LeaseKey{"j", 4}));
  EXPECT_EQ(ToProto(LeaseKey{"j", 4}).job(), "jobs/j");
  proto.set_job("j");
  EXPECT_EQ(FromProto(proto).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ConversionTest, ALease) {
  Lease lease;
  lease.key = {"j", 2};
  lease.model_files = {{"config.json", 10, "aa"}};
  lease.datasets.emplace_back().id = "d";
  const v1::Lease fresh = ToProto(lease);
  EXPECT_FALSE(fresh.has_resume_from());
  EXPECT_EQ(fresh.model_files(0).path(), "config.json");
  EXPECT_EQ(fresh.datasets(0).name(), "datasets/d");
  Checkpoint& checkpoint = lease.resume_from.emplace();
  checkpoint.job_id = "j";
  checkpoint.id = "step-00000012";
  EXPECT_EQ(ToProto(lease).resume_from().name(), "jobs/j/checkpoints/step-00000012");
}

TEST(ConversionTest, WorkersResourcesGoBothWays) {
  WorkerRecord worker;
  worker.id = "w";
  worker.resources = {4, 100, 50, {{"H200", 9}}, ""};
  worker.job_ids = {"j"};
  worker.state = WorkerState::kBusy;
  const v1::Worker proto = ToProto(worker);
  EXPECT_EQ(FromProto(proto.resources()), worker.resources);
  EXPECT_EQ(proto.state(), v1::Worker::BUSY);
  EXPECT_THAT(proto.jobs(), ElementsAre("jobs/j"));
  EXPECT_FALSE(proto.has_heartbeat_time());
}

TEST(ConversionTest, AnOutcomeLeftOutIsAFieldError) {
  EXPECT_EQ(*FromProto(v1::FinishAttemptRequest::FAILED_RETRYABLE), Outcome::kFailedRetryable);
  const auto missing = FromProto(v1::FinishAttemptRequest::OUTCOME_UNSPECIFIED);
  ASSERT_EQ(FieldErrorsOf(missing.status()).size(), 1u);
  EXPECT_EQ(FieldErrorsOf(missing.status())[0].field, "outcome");
}

}  // namespace
}  // namespace tune::server
