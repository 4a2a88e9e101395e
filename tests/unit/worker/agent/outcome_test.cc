#include "worker/agent/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "proto/wire/status.h"
#include "run/reason.h"
#include "worker/agent/fetch_error.h"
#include "worker/agent/trainer_events.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;
using Request = v1::FinishAttemptRequest;

v1::TrainingEvent::Failed Failed(bool retryable) {
  v1::TrainingEvent::Failed failed;
  failed.set_reason("NonFiniteLoss");
  failed.set_message("loss is nan at step 7");
  failed.set_retryable(retryable);
  return failed;
}

TEST(EndOf, SuccessNeedsTheFinishedEventAndARegisteredResult) {
  TrainerEnd trainer{.finished = true, .final_committed = true};
  EXPECT_EQ(EndOf(trainer), (AttemptEnd{Request::SUCCEEDED, "", ""}));
  trainer.stop = StopCause::kDraining;  // it came while the result was being registered
  EXPECT_EQ(EndOf(trainer).outcome, Request::SUCCEEDED);

  trainer = {.finished = true, .final_status = absl::InvalidArgumentError("too many files")};
  EXPECT_EQ(EndOf(trainer).outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(EndOf(trainer).reason, "CheckpointNotRegistered");
  EXPECT_THAT(EndOf(trainer).message, HasSubstr("too many files"));
  trainer.final_status = absl::OkStatus();
  EXPECT_THAT(EndOf(trainer).message, HasSubstr("named no final checkpoint"));
}

TEST(EndOf, AFailedEventSaysItAll) {
  EXPECT_EQ(EndOf({.exit = {.code = 1}, .failed = Failed(false)}),
            (AttemptEnd{Request::FAILED_FINAL, "NonFiniteLoss", "loss is nan at step 7"}));
  EXPECT_EQ(EndOf({.exit = {.code = 1}, .failed = Failed(true)}).outcome,
            Request::FAILED_RETRYABLE);
}

TEST(EndOf, AStopHasItsReason) {
  EXPECT_EQ(EndOf({.exit = {.code = 3}, .stop = StopCause::kDraining}).reason, "WorkerDraining");
  EXPECT_EQ(EndOf({.exit = {.code = 3}, .stop = StopCause::kDraining}).outcome,
            Request::FAILED_RETRYABLE);
  EXPECT_EQ(
      EndOf({.exit = {.signal = SIGKILL}, .killed_by_us = true, .stop = StopCause::kTimeLimit}),
      (AttemptEnd{Request::FAILED_FINAL, "TimeLimit", "the job's time_limit_seconds are used up"}));
  EXPECT_EQ(EndOf({.stop = StopCause::kReporting}).reason, "ReportRefused");
  EXPECT_EQ(EndOf({.exit = {.signal = SIGKILL},
                   .killed_by_us = true,
                   .out_of_memory = true,
                   .stop = StopCause::kLeaseEnded})
                .reason,
            "WorkerLost");
}

TEST(EndOf, ARankThatWeKilledIsNotLost) {
  const TrainerEnd killed = {.exit = {.code = 1},
                             .killed_by_us = true,
                             .failed = Failed(true),
                             .stop = StopCause::kTimeLimit};
  EXPECT_EQ(EndOf(killed).reason, "TimeLimit");
}

TEST(EndOf, ACrashIsRetryable) {
  const AttemptEnd crashed = EndOf({.exit = {.signal = SIGSEGV}});
  EXPECT_EQ(crashed.outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(crashed.reason, "TrainerCrashed");
  EXPECT_EQ(crashed.message, "the trainer was ended by signal 11 (Segmentation fault)");
  EXPECT_THAT(EndOf({.exit = {.code = 127}}).message, HasSubstr("exited with code 127"));
}

TEST(EndOf, ATrainerThatEndsBeforeItsFirstEventMayNotRunOnThisHost) {
  for (const ExitStatus& exit : {ExitStatus{.signal = SIGSEGV}, ExitStatus{.code = 127},
                                 ExitStatus{.code = 1}, ExitStatus{}}) {
    const AttemptEnd end = EndOf({.exit = exit, .silent = true});
    EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
    EXPECT_EQ(end.reason, "TrainerDiedAtStart");
    EXPECT_THAT(end.message, HasSubstr("before it told anything"));
  }
  EXPECT_EQ(FindReason(kTrainerDiedAtStart)->fault, Fault::kJob) << "two jobs bench a worker";
  EXPECT_EQ(FindReason(kTrainerDiedAtStart)->cost, Cost::kDisruption) << "no bad host ends a job";
}

TEST(EndOf, WhatIsDoneToATrainerBeforeItsFirstEventKeepsItsName) {
  const TrainerEnd killed{.exit = {.signal = SIGKILL}, .out_of_memory = true, .silent = true};
  EXPECT_EQ(EndOf(killed).reason, "OutOfMemory");
  EXPECT_EQ(EndOf({.exit = {.signal = SIGTERM}, .silent = true}).reason, "TrainerStopped");
  EXPECT_EQ(EndOf({.exit = {.code = 3}, .silent = true}).reason, "TrainerStopped");
}

TEST(EndOf, ATrainerThatEndsWellAndIsNotHeardHasLostItsEvents) {
  const AttemptEnd end = EndOf({.exit = {.code = 0}});
  EXPECT_EQ(end.reason, "RunFolderLost");
  EXPECT_THAT(end.message, HasSubstr("events.jsonl"));
}

TEST(EndOf, AKillIsOutOfMemoryOnlyWithEvidence) {
  TrainerEnd killed = {.exit = {.signal = SIGKILL}, .out_of_memory = true};
  EXPECT_EQ(EndOf(killed).outcome, Request::FAILED_RETRYABLE);
  EXPECT_EQ(EndOf(killed).reason, "OutOfMemory");
  killed.out_of_memory = false;
  EXPECT_EQ(EndOf(killed).reason, "TrainerStopped");
  EXPECT_THAT(EndOf(killed).message, HasSubstr("signal 9 (Killed), which its worker did not send"));
}

// What is done to a trainer is nobody's fault, least of all the job's.
TEST(EndOf, ATrainerThatSomebodyStoppedDidNotCrash) {
  for (const int signal : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    EXPECT_EQ(EndOf({.exit = {.signal = signal}}).reason, "TrainerStopped") << signal;
  }
  EXPECT_EQ(EndOf({.exit = {.code = 3}}).reason, "TrainerStopped") << "in order, with a checkpoint";
  EXPECT_THAT(EndOf({.exit = {.code = 3}}).message, HasSubstr("its worker did not send"));
  EXPECT_EQ(EndOf({.exit = {.unknown = true}}).reason, "TrainerStopped");
  EXPECT_THAT(EndOf({.exit = {.unknown = true}}).message, HasSubstr("started anew"));
}

TEST(EndOf, WhatFollowsFromARemovedRunFolderIsNotTheRunsOwn) {
  TrainerEnd trainer{.exit = {.code = 1}, .failed = Failed(true), .stop = StopCause::kFolderLost};
  EXPECT_EQ(EndOf(trainer).reason, "RunFolderLost");
  trainer.failed = Failed(false);
  EXPECT_EQ(EndOf(trainer).reason, "NonFiniteLoss") << "which no file is to blame for";
  for (const auto reason : {kBadModel, kBadData, kBadSpec}) {
    trainer.failed->set_reason(std::string(reason));
    EXPECT_EQ(EndOf(trainer).reason, "RunFolderLost") << reason;
  }
  trainer = {.finished = true,
             .stop = StopCause::kFolderLost,
             .final_status = absl::NotFoundError("manifest.json")};
  EXPECT_EQ(EndOf(trainer).reason, "RunFolderLost");
}

TEST(EndOfPreparation, NamesWhatWasWrong) {
  EXPECT_EQ(EndOfPreparation(absl::ResourceExhaustedError("12 bytes are free")),
            (AttemptEnd{Request::FAILED_RETRYABLE, "DiskFull", "12 bytes are free"}));
  EXPECT_EQ(EndOfPreparation(AsFetchError(absl::DataLossError("x"))).reason, "CorruptBlob");
  EXPECT_EQ(EndOfPreparation(AsFetchError(absl::NotFoundError("x"))).reason, "MissingInput");
  EXPECT_EQ(EndOfPreparation(absl::InvalidArgumentError("x")).reason, "BadLease");
}

// A cache folder that is gone, or a file in its place, is no answer of the scheduler's.
TEST(EndOfPreparation, WhatIsWrongWithThisHostsFoldersIsTheWorkers) {
  for (const absl::Status& status :
       {absl::NotFoundError("cache: open: No such file"), absl::InternalError("x"),
        absl::FailedPreconditionError("cache: Not a directory"), absl::UnknownError("x")}) {
    EXPECT_EQ(EndOfPreparation(status).reason, "WorkerUnfit") << status;
  }
}

// Whatever it is: no end of a preparation is the job's fault.
TEST(EndOfPreparation, CostsNoRetry) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(absl::StatusCode(code), "x");
    EXPECT_NE(FindReason(EndOfPreparation(status).reason)->fault, Fault::kJob) << status;
    const AttemptEnd end = EndOfPreparation(AsFetchError(status));
    EXPECT_EQ(end.outcome, Request::FAILED_RETRYABLE);
    const Reason* reason = FindReason(end.reason);
    ASSERT_NE(reason, nullptr) << end.reason;
    EXPECT_NE(reason->fault, Fault::kJob) << code << " " << end.reason;
  }
}

TEST(EndOfPreparation, TellsTheNetworkFromTheWorker) {
  for (const absl::Status& status :
       {absl::UnavailableError("x"), absl::DeadlineExceededError("x"), absl::InternalError("x"),
        absl::UnknownError("x"), absl::AbortedError("x"), absl::CancelledError("x"),
        WithReason(absl::ResourceExhaustedError("too many calls"), kOverloaded)}) {
    EXPECT_EQ(EndOfPreparation(AsFetchError(status)).reason, "DownloadFailed") << status;
  }
  for (const absl::Status& status :
       {absl::PermissionDeniedError("x"), absl::UnauthenticatedError("x")}) {
    EXPECT_EQ(EndOfPreparation(AsFetchError(status)).reason, "WorkerUnfit") << status;
  }
}

TEST(ParseEventLine, ReadsWhatTheTrainerWrites) {
  const auto event = ParseEventLine(
      R"({"time":"2026-01-02T03:04:05Z","step":{"step":"7","loss":"NaN","phase_seconds":{"data":0.5}}})",
      1);
  EXPECT_EQ(event.step().step(), 7);
  EXPECT_TRUE(std::isnan(event.step().loss()));
  EXPECT_EQ(event.step().phase_seconds().at("data"), 0.5);
  EXPECT_EQ(event.time().seconds(), 1767323045);
}

TEST(ParseEventLine, AnUnknownEventBecomesANotice) {
  EXPECT_THAT(ParseEventLine(R"({"stride":{}})", 12).notice().text(),
              HasSubstr("events.jsonl:12: not an event"));
  EXPECT_THAT(ParseEventLine(R"({"time":"2026-01-02T03:04:05Z"})", 3).notice().text(),
              HasSubstr("it holds none"));
}

}  // namespace
}  // namespace tune::worker
