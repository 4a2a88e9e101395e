// Whole commands against a scheduler on loopback.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/field_errors.h"
#include "base/json.h"
#include "client/commands/commands.h"
#include "client/error_report.h"
#include "proto/wire/status.h"
#include "recipe/model/model_init.h"
#include "tests/support/byte_tokenizer.h"
#include "tests/support/scripted/job_history.h"
#include "tunectl_fixture.h"

namespace tune::client {
namespace {

using testing::Batch;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakeJob;
using ::testing::Not;
using ::testing::StartsWith;
using testing::StateEvent;
using testing::StepEvent;
using testing::TrainingEntry;
using testing::WatchScript;

class Commands : public TunectlTest {
 protected:
  // The job's last state, as a stream would tell it.
  WatchScript EndsAs(v1::Job::State state) {
    v1::Job job = MakeJob("x", state);
    job.mutable_start_time()->set_seconds(1'764'000'000);
    job.mutable_end_time()->set_seconds(1'764'000'720);
    if (state == v1::Job::FAILED) {
      job.set_reason("NonFiniteLoss");
      job.set_message("loss is nan at step 3");
    }
    return {.batches = {Batch({StepEvent(1, 1, 0.5), StateEvent(state)}, job)}};
  }
};

TEST_F(Commands, SubmitFromFileAndFlags) {
  const std::string file = File("job.yaml", "model: phi-2\ndatasets: [{dataset: d}]\nepochs: 1\n");
  EXPECT_EQ(Run({"submit", "-f", file, "--epochs", "3", "--set", "priority=7", "--name", "x",
                 "--label", "a=b", "--label", "c=d"}),
            0)
      << err_;
  EXPECT_EQ(out_, "job/x created, next in the queue\n");
  EXPECT_THAT(err_, HasSubstr("tunectl watch x"));
  ASSERT_EQ(scheduler_.jobs.created.size(), 1u);
  const v1::CreateJobRequest& request = scheduler_.jobs.created[0];
  EXPECT_EQ(request.job_id(), "x");
  EXPECT_EQ(request.job().spec().model(), "models/phi-2");
  EXPECT_EQ(request.job().spec().epochs(), 3);
  EXPECT_EQ(request.job().spec().priority(), 7);
  EXPECT_EQ(request.job().labels().at("c"), "d");
  EXPECT_EQ(request.request_id().size(), 36u);
  EXPECT_FALSE(request.validate_only());
}

TEST_F(Commands, WhatIsNotUtf8IsRefusedByItsFlag) {
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "d", "--label",
                 "stra\xDF"
                 "e=1"}),
            2);
  EXPECT_THAT(err_, HasSubstr("--label: must be UTF-8, but its byte 5 is 0xdf"));
  EXPECT_EQ(Run({"cancel", "x", "--reason", "\xE9tat"}), 2);
  EXPECT_THAT(err_, HasSubstr("--reason: must be UTF-8, but its byte 1 is 0xe9"));
  EXPECT_EQ(Run({"datasets", "push", "d",
                 "donn\xE9"
                 "es.jsonl"}),
            2);
  EXPECT_THAT(err_, HasSubstr("must be UTF-8, but its byte 5 is 0xe9"));
  EXPECT_TRUE(scheduler_.jobs.created.empty());
}

TEST_F(Commands, AJobFileThatIsNotUtf8IsRefusedByItsLine) {
  const std::string file = File("job.yaml",
                                "model: m\ndatasets: [{dataset: d}]\n"
                                "sample_prompts: [\"caf\xE9\"]\n");
  EXPECT_EQ(Run({"submit", "-f", file}), 1);
  EXPECT_THAT(err_, HasSubstr("job.yaml:3: must be UTF-8"));
}

TEST_F(Commands, AnErrorIsNeverEmpty) {
  scheduler_.jobs.create_answers = {grpc::Status(grpc::StatusCode::INTERNAL, "")};
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "d"}), 1);
  EXPECT_THAT(err_, HasSubstr("error: the call failed without a message (INTERNAL)"));
}

TEST_F(Commands, SubmitRetriesWithTheSameRequestId) {
  scheduler_.jobs.create_answers = {grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"),
                                    grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting")};
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "d"}), 0) << err_;
  ASSERT_EQ(scheduler_.jobs.created.size(), 3u);
  EXPECT_EQ(scheduler_.jobs.created[0].request_id(), scheduler_.jobs.created[2].request_id());
}

TEST_F(Commands, SubmitDryRunStoresNothing) {
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "d=2", "--dry-run"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("valid (dry run"));
  EXPECT_TRUE(scheduler_.jobs.created[0].validate_only());
  EXPECT_EQ(scheduler_.jobs.created[0].job().spec().datasets(0).weight(), 2);
}

v1::CheckJobDataResponse CheckNews(const std::string& dataset, int64_t rows, int64_t total_rows) {
  v1::CheckJobDataResponse news;
  news.set_dataset(dataset);
  news.set_rows(rows);
  news.set_total_rows(total_rows);
  return news;
}

TEST_F(Commands, SubmitDrawsHowFarTheCheckIsAndClearsIt) {
  screen_.is_terminal = true;
  scheduler_.jobs.check_news = {CheckNews("", 0, 0), CheckNews("datasets/chip2", 1234, 4936),
                                CheckNews("datasets/chip2", 5000, 4936)};
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "chip2"}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("checking the data: waits for its turn"));
  EXPECT_THAT(err_, ContainsRegex("checking chip2 .*  25%  1,234 of 4,936 rows"));
  EXPECT_THAT(err_, ContainsRegex("checking chip2 .* 100%  5,000 of 4,936 rows"));
  EXPECT_THAT(err_, HasSubstr("\x1b[1A\r\x1b[?7l\x1b[?7h\x1b[J"));
  EXPECT_EQ(scheduler_.jobs.created.size(), 1u);
}

TEST_F(Commands, WithoutATerminalALongCheckIsALineNowAndThen) {
  scheduler_.jobs.check_news = {CheckNews("datasets/chip2", 1234, 4936)};
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "chip2", "--dry-run"}), 0) << err_;
  EXPECT_THAT(err_, Not(HasSubstr("checking")));
  scheduler_.jobs.before_check_news = [&] { clock_.Advance(absl::Seconds(11)); };
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "chip2", "--dry-run"}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("checking chip2: 25%, 1,234 of 4,936 rows\n"));
  EXPECT_EQ(Run({"submit", "-q", "--model", "m", "--dataset", "chip2", "--dry-run"}), 0) << err_;
  EXPECT_EQ(err_, "");
}

TEST_F(Commands, SubmitSaysHowManyStepsThereWillBe) {
  scheduler_.jobs.planned_steps = 1234;
  const std::vector<std::string> submit = {"submit", "--model",      "m", "--dataset",
                                           "d",      "--batch-size", "64"};
  EXPECT_EQ(Run(submit), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("  1,234 optimizer steps of 64 rows\n"));
  std::vector<std::string> with_holdout = submit;
  with_holdout.insert(with_holdout.end(),
                      {"--name", "held-out", "--set", "holdout=0.1", "--dry-run"});
  EXPECT_EQ(Run(with_holdout), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("  about 1,234 optimizer steps of 64 rows\n"));
}

TEST_F(Commands, WhatTheCheckFindsEndsTheSubmit) {
  scheduler_.jobs.check_end = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no row fits");
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "chip2"}), 1);
  EXPECT_THAT(err_, HasSubstr("no row fits"));
  EXPECT_TRUE(scheduler_.jobs.created.empty());
}

TEST_F(Commands, ASchedulerThatTellsOfNoCheckIsAskedForTheJobAtOnce) {
  scheduler_.jobs.check_end = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "");
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "chip2"}), 0) << err_;
  EXPECT_EQ(scheduler_.jobs.created.size(), 1u);
}

TEST_F(Commands, SubmitShowsEveryErrorOfTheFile) {
  const std::string file =
      File("job.yaml", "model: m\ndatasets: [{dataset: d}]\nlearning_rat: 1\nepochs: many\n");
  EXPECT_EQ(Run({"submit", "-f", file}), 1);
  EXPECT_THAT(err_, StartsWith("error: the job: 2 problems\n  "));
  EXPECT_THAT(err_, HasSubstr("job.yaml:3:15: learning_rat: "));
  EXPECT_THAT(err_, HasSubstr("job.yaml:4:9: epochs: "));
  EXPECT_EQ(out_, "");
  EXPECT_TRUE(scheduler_.jobs.created.empty());
}

TEST_F(Commands, SubmitShowsTheSchedulersFieldErrors) {
  FieldErrors errors;
  errors.Add("model", "models/none does not exist");
  errors.Add("datasets[0].dataset", "datasets/nothing does not exist");
  scheduler_.jobs.create_answers = {ToGrpcStatus(errors.ToStatus("job"))};
  EXPECT_EQ(Run({"submit", "--model", "none", "--dataset", "nothing"}), 1);
  EXPECT_THAT(err_, HasSubstr("  model: models/none does not exist\n"));
  EXPECT_THAT(err_, HasSubstr("  datasets[0].dataset: datasets/nothing does not exist\n"));
}

TEST_F(Commands, ATakenNameIsAConflict) {
  scheduler_.jobs.create_answers = {
      grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "jobs/x exists")};
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "d", "--name", "x"}), 6);
  EXPECT_EQ(err_, "error: jobs/x exists\nhint: choose another --name, or leave it out\n");
}

TEST_F(Commands, SubmitAndWaitEndsWithTheOutcome) {
  scheduler_.jobs.watches = {EndsAs(v1::Job::SUCCEEDED)};
  EXPECT_EQ(Run({"submit", "--model", "m", "--dataset", "d", "--name", "x", "--wait"}), 0) << err_;
  EXPECT_EQ(out_, "job/x created, next in the queue\njob/x succeeded in 12m\n");
}

TEST_F(Commands, JsonIsOneAnswerOrOneEventALine) {
  const auto script = EndsAs(v1::Job::SUCCEEDED);
  scheduler_.jobs.watches = {script, script};
  EXPECT_EQ(
      Run({"submit", "--model", "m", "--dataset", "d", "--name", "x", "--wait", "-o", "json"}), 0)
      << err_;
  const auto job = ParseJson(out_);
  ASSERT_TRUE(job.ok()) << out_;
  EXPECT_EQ((*job)["state"], "SUCCEEDED");
  EXPECT_EQ(Run({"watch", "x", "-o", "json"}), 0) << err_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 2);
  const auto first = ParseJson(out_.substr(0, out_.find('\n')));
  ASSERT_TRUE(first.ok()) << out_;
  EXPECT_EQ((*first)["training"]["step"]["loss"], 0.5);
}

TEST_F(Commands, WaitExitsByOutcome) {
  scheduler_.jobs.watches = {EndsAs(v1::Job::FAILED), EndsAs(v1::Job::CANCELLED)};
  EXPECT_EQ(Run({"wait", "x"}), 10);
  EXPECT_EQ(err_,
            "error: job/x failed: NonFiniteLoss: loss is nan at step 3\n"
            "hint: tunectl describe x or tunectl logs x\n");
  EXPECT_EQ(Run({"wait", "x"}), 11);
  EXPECT_EQ(Run({"wait", "none"}), 3) << err_;
}

TEST_F(Commands, WatchTellsOfEveryLossAndOfItsEnd) {
  const grpc::Status broken(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  const auto script = [&](int step, v1::Job::State state) {
    return WatchScript{.batches = {Batch({StepEvent(step, 3, 3)}, MakeJob("x", state), step, 10)},
                       .end = broken};
  };
  scheduler_.jobs.watches = {script(1, v1::Job::RUNNING), script(2, v1::Job::RUNNING),
                             script(3, v1::Job::SUCCEEDED)};
  EXPECT_EQ(Run({"watch", "x"}), 0) << err_;
  const std::string lost = "connection to the scheduler lost; the job goes on, reconnecting\n";
  const std::string back = "connected to the scheduler again\n";
  EXPECT_THAT(err_, HasSubstr(lost + back + lost + back));
}

TEST_F(Commands, WatchTakesUpABrokenStreamAndSaysSoOnce) {
  const v1::Job running = MakeJob("x", v1::Job::RUNNING);
  const grpc::Status broken(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  WatchScript first{.batches = {Batch({StepEvent(1, 3, 3), StepEvent(2, 3, 2)}, running)},
                    .end = broken};
  WatchScript last{.batches = {Batch({StepEvent(3, 3, 1), StateEvent(v1::Job::SUCCEEDED)},
                                     MakeJob("x", v1::Job::SUCCEEDED), 3, 10)}};
  scheduler_.jobs.watches = {first, {.batches = {}, .end = broken}, last};
  EXPECT_EQ(Run({"watch", "x"}), 0) << err_;
  EXPECT_THAT(scheduler_.jobs.watched_after, ElementsAre(0, 2, 2));
  EXPECT_THAT(out_, HasSubstr("step=1/3"));
  EXPECT_THAT(out_, HasSubstr("step=3/3"));
  const std::string note = "connection to the scheduler lost";
  EXPECT_EQ(err_.find(note), err_.rfind(note));
  EXPECT_NE(err_.find(note), std::string::npos);
}

TEST_F(Commands, WatchGivesUpAfterAWhile) {
  scheduler_.jobs.watches = {
      {.batches = {Batch({StepEvent(1, 3, 3)}, MakeJob("x", v1::Job::RUNNING))},
       .end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")}};
  for (int i = 0; i < 400; ++i) {
    scheduler_.jobs.watches.push_back(
        {.batches = {}, .end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")});
  }
  EXPECT_EQ(Run({"watch", "x"}), 5);
  EXPECT_GT(clock_.Monotonic(), absl::Minutes(70));
}

TEST_F(Commands, WaitEndsAtItsTimeout) {
  const grpc::Status broken(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  scheduler_.jobs.watches = {
      {.batches = {Batch({StepEvent(1, 3, 3)}, MakeJob("x", v1::Job::RUNNING))}, .end = broken}};
  for (int i = 0; i < 100; ++i) scheduler_.jobs.watches.push_back({.batches = {}, .end = broken});
  EXPECT_EQ(Run({"wait", "x", "--timeout", "10s"}), 8);
  EXPECT_THAT(err_, HasSubstr("error: job/x is not over after 10s\n"));
}

TEST_F(Commands, WatchOnATerminalDrawsAndShowsSamples) {
  screen_.is_terminal = true;
  v1::TrainingEvent sample;
  sample.mutable_sample()->set_prompt("Hi");
  sample.mutable_sample()->set_text("Hello \x1b[2J");
  v1::Job job = MakeJob("x", v1::Job::SUCCEEDED);
  scheduler_.jobs.watches = {
      {.batches = {Batch({StepEvent(1, 1, 0.5), TrainingEntry(sample)}, job)}}};
  EXPECT_EQ(Run({"watch", "x"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(" step 1/1 ━"));
  EXPECT_THAT(out_, HasSubstr("\n > Hi\nHello \uFFFD[2J\n"));
  EXPECT_THAT(out_, HasSubstr("job/x succeeded\n"));
}

TEST_F(Commands, ListAsTableAndJson) {
  v1::Job job = MakeJob("chip2", v1::Job::RUNNING);
  job.set_worker("workers/gpu-a1");
  job.mutable_progress()->set_step(4210);
  job.mutable_progress()->set_total_steps(6570);
  job.mutable_progress()->set_loss(1.0411);
  job.mutable_progress()->set_tokens_per_second(12480);
  job.mutable_progress()->set_eta_seconds(3840);
  scheduler_.jobs.jobs["jobs/chip2"] = job;
  scheduler_.jobs.jobs["jobs/dolly"] = MakeJob("dolly", v1::Job::QUEUED);
  scheduler_.jobs.jobs["jobs/dolly"].set_reason("NoWorker");
  EXPECT_EQ(Run({"list"}), 0) << err_;
  EXPECT_EQ(out_,
            "NAME   STATE    PROGRESS   LOSS  TOK/S    ETA  WORKER  REASON      AGE\n"
            "chip2  RUNNING       64%  1.041  12.5k  1h04m  gpu-a1  -         1h00m\n"
            "dolly  QUEUED          -      -      -      -  -       NoWorker  1h00m\n");
  screen_.is_terminal = true;
  screen_.color = true;
  EXPECT_EQ(Run({"list", "--no-headers", "--state", "running"}), 0) << err_;
  EXPECT_EQ(out_, "chip2  RUNNING  ━━━╸──  64%  1.041  12.5k  1h04m  gpu-a1  -  1h00m\n");

  EXPECT_EQ(Run({"list", "-o", "json", "--state", "QUEUED"}), 0) << err_;
  const auto json = ParseJson(out_);
  ASSERT_TRUE(json.ok()) << out_;
  ASSERT_EQ(json->size(), 1u);
  EXPECT_EQ((*json)[0]["name"], "jobs/dolly");
  EXPECT_EQ((*json)[0]["state"], "QUEUED");
  EXPECT_EQ(Run({"-o", "yaml", "list", "--state", "queued"}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("- name: jobs/dolly\n  spec:\n    epochs: 2"));
}

TEST_F(Commands, AWideListHasOwnersAndMessages) {
  v1::Job job = MakeJob("chip2", v1::Job::QUEUED);
  job.set_owner("ada");
  job.set_message("no live worker;\nstart one");
  scheduler_.jobs.jobs["jobs/chip2"] = job;
  EXPECT_EQ(Run({"list", "-o", "wide"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("  OWNER  MESSAGE\n"));
  EXPECT_THAT(out_, HasSubstr("  ada    no live worker; start one\n"));
}

TEST_F(Commands, EveryCallNamesItsUser) {
  login_ = "ada";
  EXPECT_EQ(Run({"list"}), 0) << err_;
  EXPECT_EQ(Run({"--user", "b\xC3\xA9ta", "list"}), 0) << err_;
  login_ = "";
  EXPECT_EQ(Run({"list"}), 0) << err_;
  EXPECT_THAT(scheduler_.jobs.list_users, ElementsAre("ada", "b??ta", ""));
}

TEST_F(Commands, EmptyListsSaySo) {
  EXPECT_EQ(Run({"list"}), 0);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "no jobs\n");
  EXPECT_EQ(Run({"list", "-o", "json"}), 0);
  EXPECT_EQ(out_, "[]\n");
}

TEST_F(Commands, DescribeShowsAllThereIs) {
  v1::Job job = MakeJob("x", v1::Job::SUCCEEDED);
  job.set_final_checkpoint("jobs/x/checkpoints/final");
  (*job.mutable_labels())["team"] = "nlp";
  auto* attempt = job.add_attempts();
  attempt->set_number(1);
  attempt->set_worker("workers/a");
  attempt->mutable_start_time()->set_seconds(1'764'000'000);
  attempt->mutable_end_time()->set_seconds(1'764'000'090);
  attempt->set_last_step(8);
  attempt->set_result("Succeeded");
  scheduler_.jobs.jobs["jobs/x"] = job;
  v1::Checkpoint& checkpoint = scheduler_.checkpoints.checkpoints["jobs/x/checkpoints/final"];
  checkpoint.set_name("jobs/x/checkpoints/final");
  checkpoint.set_step(8);
  checkpoint.set_size_bytes(1 << 20);
  scheduler_.jobs.watches = {
      {.batches = {
           Batch({StepEvent(1, 2, 4), StepEvent(2, 2, 1), StateEvent(v1::Job::SUCCEEDED)}, job)}}};
  EXPECT_EQ(Run({"describe", "x"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("State:    SUCCEEDED\n"));
  EXPECT_THAT(out_, HasSubstr("Labels:   team=nlp\n"));
  EXPECT_THAT(out_, HasSubstr("\nSpec:\n  epochs: 2\n"));
  EXPECT_THAT(out_,
              HasSubstr("  1  a       2025-11-24T16:00:00Z  1m30s   0-8    -      Succeeded\n"));
  EXPECT_THAT(out_, HasSubstr("  final          8     0  1.0MiB    -\n"));
  EXPECT_THAT(out_, HasSubstr("\nLoss:\n  █▁  4 to 1\n"));
  EXPECT_THAT(out_, HasSubstr("SUCCEEDED  -\n"));
  EXPECT_EQ(Run({"describe", "nope"}), 3);
  EXPECT_EQ(err_, "error: jobs/nope does not exist\n");
}

TEST_F(Commands, DescribeShowsEachSource) {
  v1::Job job = MakeJob("x", v1::Job::RUNNING);
  v1::Job::Source* source = job.mutable_progress()->add_sources();
  source->set_source("datasets/chip2");
  source->set_loss(1.25);
  source->set_eval_loss(1.5);
  source->set_examples(1200);
  source->set_tokens(240'000);
  source->set_target_tokens(90'000);
  source = job.mutable_progress()->add_sources();
  source->set_source("datasets/gsm8k");
  source->set_loss(0.75);
  source->set_examples(100);
  source->set_tokens(20'000);
  source->set_target_tokens(10'000);
  scheduler_.jobs.jobs["jobs/x"] = job;
  scheduler_.jobs.watches = {{.batches = {Batch({StepEvent(1, 2, 4)}, job)}}};
  EXPECT_EQ(Run({"describe", "x"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\nSources, so far:\n"
                              "  SOURCE  LOSS  EVAL LOSS   ROWS   TOKENS  LEARNED  SHARE\n"
                              "  chip2   1.25        1.5  1,200  240,000   90,000  90.0%\n"
                              "  gsm8k   0.75          -    100   20,000   10,000  10.0%\n"));
}

TEST_F(Commands, DescribeShowsWhatIsLeftAndWhoseFaultAnEndWas) {
  v1::Job job = MakeJob("x", v1::Job::QUEUED);
  job.set_owner("ada");
  job.set_retries_left(3);
  job.set_disruptions_left(19);
  auto* attempt = job.add_attempts();
  attempt->set_number(1);
  attempt->set_worker("workers/a");
  attempt->mutable_start_time()->set_seconds(1'764'000'000);
  attempt->mutable_end_time()->set_seconds(1'764'000'090);
  attempt->set_result("WorkerUnfit");
  attempt->set_fault("worker");
  scheduler_.jobs.jobs["jobs/x"] = job;
  scheduler_.jobs.watches = {{.batches = {Batch({StateEvent(v1::Job::QUEUED)}, job)}}};
  EXPECT_EQ(Run({"describe", "x"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("Owner:    ada\n"));
  EXPECT_THAT(out_, HasSubstr("Budget:   3 retries, 19 disruptions left\n"));
  EXPECT_THAT(out_, HasSubstr("  0-0    worker  WorkerUnfit\n"));
}

TEST_F(Commands, AWorkerSaysWhyItIsUnhealthy) {
  v1::Worker worker;
  worker.set_name("workers/a");
  worker.set_state(v1::Worker::UNHEALTHY);
  worker.set_reason("/cache is not writable");
  worker.set_owner("ada");
  worker.set_version("1.0");
  (*worker.mutable_labels())["zone"] = "cellar";
  worker.mutable_resources()->set_unused_gpus("no NVIDIA driver; install it");
  scheduler_.workers.workers = {worker};
  EXPECT_EQ(Run({"workers", "list"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("a     UNHEALTHY"));
  EXPECT_THAT(out_, HasSubstr("  /cache is not writable\n"));
  EXPECT_EQ(Run({"workers", "list", "-o", "wide"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("  1.0      -        ada    zone=cellar\n"));
  EXPECT_EQ(Run({"workers", "describe", "a"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("Reason:       /cache is not writable\n"));
  EXPECT_THAT(out_, HasSubstr("Labels:       zone=cellar\n"));
  EXPECT_THAT(out_, HasSubstr("Unused GPUs:  no NVIDIA driver; install it\n"));
}

TEST_F(Commands, AWorkerIsTakenOutOfServiceAndBack) {
  v1::Worker worker;
  worker.set_name("workers/a");
  worker.set_state(v1::Worker::BUSY);
  worker.add_jobs("jobs/x");
  scheduler_.workers.workers = {worker};
  EXPECT_EQ(Run({"workers", "drain", "a", "--now", "--dry-run"}), 0) << err_;
  EXPECT_EQ(out_, "worker/a would be drained of x\n");
  EXPECT_FALSE(scheduler_.workers.workers[0].has_cordon());
  EXPECT_EQ(Run({"workers", "cordon", "a", "--reason", "new disk"}), 0) << err_;
  EXPECT_EQ(out_, "worker/a cordoned\n");
  EXPECT_EQ(Run({"workers", "list"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("a     CORDONED"));
  EXPECT_THAT(out_, HasSubstr("  new disk\n"));
  EXPECT_EQ(Run({"workers", "describe", "a"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("new disk ("));
  scheduler_.workers.workers[0].add_jobs("jobs/x");
  scheduler_.workers.looks_until_idle = 2;
  EXPECT_EQ(Run({"workers", "drain", "a", "--reason", "new disk"}), 0) << err_;
  EXPECT_EQ(out_, "worker/a drained\n");
  EXPECT_THAT(err_, HasSubstr("waits for x to end"));
  EXPECT_EQ(Run({"workers", "uncordon", "a"}), 0) << err_;
  EXPECT_EQ(out_, "worker/a uncordoned\n");
  EXPECT_EQ(Run({"workers", "cordon", "nobody"}), 3);
}

TEST_F(Commands, EventsLeaveStepsOutUnlessAsked) {
  const auto script = EndsAs(v1::Job::SUCCEEDED);
  scheduler_.jobs.watches = {script, script};
  EXPECT_EQ(Run({"events", "x"}), 0) << err_;
  EXPECT_THAT(out_, Not(HasSubstr("step=1/1")));
  EXPECT_THAT(out_, HasSubstr("SUCCEEDED"));
  EXPECT_EQ(Run({"events", "x", "--steps"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("step=1/1"));
}

TEST_F(Commands, LogsArePassedOnAndCleanedOnATerminal) {
  scheduler_.jobs.jobs["jobs/x"] = MakeJob("x", v1::Job::RUNNING);
  scheduler_.jobs.log = "a\r\x1b[31mred\n";
  EXPECT_EQ(Run({"logs", "x", "-f", "--tail", "5", "--attempt", "2"}), 0) << err_;
  EXPECT_EQ(out_, scheduler_.jobs.log);
  EXPECT_TRUE(scheduler_.jobs.log_requests[0].follow());
  EXPECT_EQ(scheduler_.jobs.log_requests[0].tail_lines(), 5);
  EXPECT_EQ(scheduler_.jobs.log_requests[0].attempt(), 2);
  screen_.is_terminal = true;
  EXPECT_EQ(Run({"logs", "x"}), 0) << err_;
  EXPECT_EQ(out_, "a\n\uFFFD[31mred\n");
}

TEST_F(Commands, FollowedLogsGoOnBehindABreak) {
  scheduler_.jobs.jobs["jobs/x"] = MakeJob("x", v1::Job::RUNNING);
  scheduler_.jobs.broken_logs = {"one\ntw", "one\ntwo\n"};
  scheduler_.jobs.log = "one\ntwo\nthree\n";
  EXPECT_EQ(Run({"logs", "x", "-f"}), 0) << err_;
  EXPECT_EQ(out_, scheduler_.jobs.log);
  EXPECT_THAT(err_, HasSubstr("reconnecting"));

  scheduler_.jobs.broken_logs = {"one\n"};
  EXPECT_EQ(Run({"logs", "x"}), 5) << "not followed: an error";
  scheduler_.jobs.broken_logs = {"two\n"};
  EXPECT_EQ(Run({"logs", "x", "-f", "--tail", "1"}), 5) << "where it began is not known";
  EXPECT_THAT(err_, HasSubstr("hint: tunectl logs -f x"));
}

TEST_F(Commands, CancelCarriesReasonAndRequestId) {
  scheduler_.jobs.jobs["jobs/x"] = MakeJob("x", v1::Job::RUNNING);
  EXPECT_EQ(Run({"cancel", "x", "--reason", "no longer needed"}), 0) << err_;
  EXPECT_EQ(out_, "job/x cancelled\n");
  EXPECT_EQ(scheduler_.jobs.cancelled[0].reason(), "no longer needed");
  EXPECT_EQ(scheduler_.jobs.cancelled[0].request_id().size(), 36u);
}

TEST_F(Commands, OrdersSayWhatBecameOfTheJob) {
  scheduler_.jobs.jobs["jobs/q"] = MakeJob("q", v1::Job::QUEUED);
  scheduler_.jobs.jobs["jobs/r"] = MakeJob("r", v1::Job::RUNNING);
  scheduler_.jobs.jobs["jobs/r"].set_worker("workers/w");
  EXPECT_EQ(Run({"pause", "q", "r"}), 0) << err_;
  EXPECT_EQ(out_, "job/q paused\njob/r pauses once w has written a checkpoint\n");
  EXPECT_EQ(Run({"pause", "q", "--dry-run"}), 0) << err_;
  EXPECT_EQ(out_, "job/q would be paused\n");
  EXPECT_EQ(Run({"resume", "q"}), 0) << err_;
  EXPECT_EQ(out_, "job/q resumed\n");
  EXPECT_EQ(Run({"cancel", "q", "--dry-run"}), 0) << err_;
  EXPECT_EQ(out_, "job/q would be cancelled\n");
  EXPECT_EQ(scheduler_.jobs.jobs["jobs/q"].state(), v1::Job::QUEUED);
}

TEST_F(Commands, RetrySaysWhereTheJobGoesOn) {
  scheduler_.jobs.jobs["jobs/a"] = MakeJob("a", v1::Job::FAILED);
  scheduler_.jobs.jobs["jobs/b"] = MakeJob("b", v1::Job::CANCELLED);
  scheduler_.jobs.jobs["jobs/b"].set_latest_checkpoint("jobs/b/checkpoints/step-00000012");
  EXPECT_EQ(Run({"retry", "a", "b"}), 0) << err_;
  EXPECT_EQ(out_,
            "job/a queued again, from its beginning\n"
            "job/b queued again, from b@step-00000012\n");
}

TEST_F(Commands, CancelGoesOnBeyondWhatIsNotThere) {
  for (const char* id : {"a", "b"}) {
    scheduler_.jobs.jobs[std::string("jobs/") + id] = MakeJob(id, v1::Job::RUNNING);
  }
  EXPECT_EQ(Run({"cancel", "a", "nope", "b", "neither"}), 3);
  EXPECT_EQ(out_, "job/a cancelled\njob/b cancelled\n");
  EXPECT_THAT(err_, ::testing::AllOf(HasSubstr("jobs/nope"), HasSubstr("jobs/neither")));
}

TEST_F(Commands, DatasetsPushChecksSendsAndRegisters) {
  const std::string file = File("d.jsonl", "{\"prompt\":\"a\",\"response\":\"b\"}\n");
  EXPECT_EQ(Run({"datasets", "push", "d", file}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("dataset/d created, 1 row ok"));
  EXPECT_EQ(scheduler_.datasets.datasets.at("datasets/d").file().path(), "d.jsonl");
  EXPECT_EQ(Run({"datasets", "push", "d", file}), 0) << "the same content again is no error";

  const std::string other = File("e.jsonl", "{\"prompt\":\"x\",\"response\":\"y\"}\n");
  EXPECT_EQ(Run({"datasets", "push", "d", other}), 6);
  EXPECT_THAT(err_, HasSubstr("hint: push under another name"));
}

// On err, before anything is sent.
TEST_F(Commands, ModelsPushTellsWhatItNoticedAndWhatStaysBehind) {
  const std::string model = folder_ / "model", tokenizer = File("t.json", ByteTokenizerJson());
  ModelConfig config;
  config.vocab_size = 258;
  config.hidden_size = config.intermediate_size = 8;
  config.num_hidden_layers = 1;
  config.num_attention_heads = config.num_key_value_heads = 2;
  config.eos_token_ids = {65, 256};
  config.eos_token_id = 65;
  ASSERT_TRUE(InitModelFolder(model, config, tokenizer, 0).ok());
  File("model/README.md", "# A model");
  File("model/chat_template.jinja", "{{ messages }}");
  Run({"models", "push", "m", model});
  EXPECT_THAT(err_, HasSubstr("note: config.json names 2 end tokens; training ends replies with "
                              "65, "));
  EXPECT_THAT(err_, HasSubstr("note: not pushed, since no loader of the model reads it: "
                              "README.md\n"));
}

TEST_F(Commands, ABadDatasetIsRefusedBeforeAByteIsSent) {
  const std::string bad = File("bad.jsonl",
                               "{\"prompt\":\"a\",\"response\":\"b\"}\n"
                               "{\"prompt\":\"a\",\"response\": }\n");
  EXPECT_EQ(Run({"datasets", "push", "d", bad}), 1);
  EXPECT_THAT(err_, HasSubstr("bad.jsonl:2:"));
  EXPECT_TRUE(scheduler_.datasets.datasets.empty());
  EXPECT_EQ(Run({"datasets", "validate", bad}), 1);
  EXPECT_EQ(Run({"datasets", "push", "d", folder_ / "none.jsonl"}), 3);
  EXPECT_THAT(err_, HasSubstr("none.jsonl"));
}

TEST_F(Commands, BadRowsAreSkippedWhereAllowedAndNamed) {
  const std::string file = File("d.json",
                                "[{\"prompt\":\"a\",\"response\":\"b\"},\n"
                                " {\"prompt\":\"a\",\"response\": }]");
  EXPECT_EQ(Run({"datasets", "push", "d", file}), 1);
  EXPECT_THAT(err_, HasSubstr("d.json:2:28 (row 2)"));
  EXPECT_THAT(err_, HasSubstr("hint: --max-bad-rows N skips up to N such rows\n"));
  EXPECT_EQ(Run({"datasets", "push", "d", file, "--max-bad-rows", "2"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("1 row ok (format: prompt_response), 1 skipped as malformed"));
  EXPECT_THAT(err_, HasSubstr("  skipped " + file + ":2:28 (row 2): "));
  EXPECT_EQ(scheduler_.datasets.datasets.at("datasets/d").max_bad_rows(), 2);
  EXPECT_EQ(Run({"datasets", "validate", file, "--max-bad-rows", "-1"}), 2);
  EXPECT_EQ(Run({"datasets", "validate", file, "--max-bad-rows", "1", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"bad_rows\": 1"));
}

TEST_F(Commands, ColumnsGoWithADataset) {
  const std::string file = File("d.jsonl", "{\"q\":\"a\",\"a\":\"b\",\"n\":1}\n");
  EXPECT_EQ(Run({"datasets", "push", "d", file}), 1);
  EXPECT_EQ(Run({"datasets", "push", "d", file, "--columns", "prompt=q,response=a"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("1 row ok (format: columns)"));
  EXPECT_THAT(err_, HasSubstr("  n is not read (1 row)"));
  EXPECT_EQ(scheduler_.datasets.datasets.at("datasets/d").columns().at("prompt"), "q");
  EXPECT_EQ(Run({"datasets", "validate", file, "--columns", "promt=q,response=a"}), 1);
  EXPECT_THAT(err_, HasSubstr("did you mean \"prompt\"?"));
}

// While it lives, standard input is that file.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : before_(dup(STDIN_FILENO)) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_GE(dup2(file, STDIN_FILENO), 0);
    close(file);
  }
  ~StandardInput() {
    dup2(before_, STDIN_FILENO);
    close(before_);
  }

 private:
  const int before_;
};

TEST_F(Commands, ADatasetComesFromStandardInput) {
  const std::string file = File("d.csv", "prompt,response\na,b\nc,\n");
  {
    const StandardInput input(file);
    EXPECT_EQ(Run({"datasets", "push", "d", "-", "--max-bad-rows", "1"}), 0) << err_;
  }
  EXPECT_EQ(out_,
            "dataset/d created, 1 row ok (format: prompt_response), 1 skipped as malformed\n");
  EXPECT_THAT(err_, HasSubstr("  skipped stdin:3:1 (row 2): response: is empty"));
  const v1::Dataset& dataset = scheduler_.datasets.datasets.at("datasets/d");
  EXPECT_EQ(dataset.file().path(), "stdin");
  EXPECT_EQ(scheduler_.blobs.blobs.at(dataset.file().sha256()), *ReadFile(file));
  const StandardInput input(file);
  EXPECT_EQ(Run({"datasets", "validate", "-"}), 1);
  EXPECT_THAT(err_, HasSubstr("stdin: 1 of 2 rows cannot be used"));
}

TEST_F(Commands, ListsGoOnToTheLastPage) {
  for (const char* name : {"datasets/a", "datasets/b", "datasets/c"}) {
    scheduler_.datasets.datasets[name].set_name(name);
  }
  EXPECT_EQ(Run({"datasets", "list", "--no-headers"}), 0) << err_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 3);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Run({"datasets", "list", "--no-headers", "--limit", "2"}), 0) << err_;
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 2);
  EXPECT_EQ(err_, "2 shown; --all for the rest\n");
  EXPECT_EQ(Run({"datasets", "delete", "a"}), 0) << err_;
  EXPECT_EQ(out_, "dataset/a deleted\n");
  EXPECT_EQ(Run({"datasets", "delete", "a"}), 3);
}

TEST_F(Commands, WhatALostTryHasDeletedIsDeleted) {
  scheduler_.datasets.datasets["datasets/a"].set_name("datasets/a");
  scheduler_.datasets.lost_deletes = {grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost")};
  EXPECT_EQ(Run({"datasets", "delete", "a"}), 0) << err_;
  EXPECT_EQ(out_, "dataset/a deleted\n");
  EXPECT_EQ(Run({"datasets", "delete", "a"}), 3) << "nothing was lost, nothing was there";
}

TEST_F(Commands, AServiceThatIsNotThereIsAnError) {
  EXPECT_EQ(Run({"models", "list"}), 1);
  EXPECT_THAT(err_, StartsWith("error: "));
}

TEST_F(Commands, NoSchedulerThere) {
  EXPECT_EQ(RunAnywhere({"--server", "127.0.0.1:1", "list"}), 5);
  EXPECT_THAT(err_, StartsWith("error: no scheduler at 127.0.0.1:1 (connection refused)\nhint: "));
  EXPECT_EQ(RunAnywhere({"--server", "127.0.0.1:1", "watch", "x", "-o", "json"}), 5);
  const auto json = ParseJson(err_);
  ASSERT_TRUE(json.ok()) << err_;
  EXPECT_EQ((*json)["error"]["code"], "UNAVAILABLE");
}

TEST_F(Commands, BeyondLoopbackPlainTextMustBeAskedFor) {
  EXPECT_EQ(RunAnywhere({"--server", "192.0.2.1:7070", "list"}), 1);
  EXPECT_THAT(err_, HasSubstr("--insecure"));
  EXPECT_EQ(RunAnywhere({"--server", "localhost:1", "--ca-file", "/nonexistent.pem", "list"}), 3);
  EXPECT_THAT(err_, HasSubstr("/nonexistent.pem"));
}

TEST_F(Commands, UsageErrorsExitWith2AndSayWhereToLook) {
  EXPECT_EQ(Run({"submit", "--bogus"}), 2);
  EXPECT_THAT(err_, StartsWith("error: "));
  EXPECT_THAT(err_, HasSubstr("--bogus"));
  EXPECT_THAT(err_, HasSubstr("hint: tunectl submit --help\n"));
  EXPECT_THAT(err_, StartsWith("error: tunectl submit has no flag --bogus\n"));
  EXPECT_EQ(Run({"datasets", "push", "a", "b", "c"}), 2);
  EXPECT_EQ(err_, "error: unexpected argument \"c\"\nhint: tunectl datasets push --help\n");
  EXPECT_EQ(Run({"datasets", "frobnicate"}), 2);
  EXPECT_THAT(err_, StartsWith("error: tunectl datasets has no command \"frobnicate\"\n"));
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"frobnicate"}), 2);
  EXPECT_EQ(Run({"watch"}), 2);
  EXPECT_EQ(Run({"list", "--state", "sleeping"}), 2);
  EXPECT_EQ(Run({"list", "-o", "xml"}), 2);
  EXPECT_EQ(Run({"list", "--timeout", "soon"}), 2);
  EXPECT_EQ(Run({"list", "--limit", "3", "--all"}), 2);
  EXPECT_EQ(Run({"submit", "--wait", "--watch"}), 2);
}

TEST_F(Commands, HelpStatesTheExitCodes) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit codes:"));
  EXPECT_THAT(out_, HasSubstr("10   watch, wait: the job failed"));
  EXPECT_EQ(Run({"submit", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--learning-rate"));
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_THAT(out_, StartsWith("tunectl "));
}

TEST(ExitCodes, FollowTheStatus) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kError);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), ExitCode::kAuth);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), ExitCode::kConflict);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kTimeout);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), ExitCode::kError);
}

TEST(ErrorReport, JsonHoldsWhatProgramsNeed) {
  FieldErrors errors;
  errors.Add("epochs", "must be above 0");
  GlobalFlags flags;
  flags.output = OutputFormat::kJson;
  std::ostringstream err;
  ReportError(err, WithHint(errors.ToStatus("the job"), "fix it"), flags, Style(Screen{}));
  EXPECT_EQ(err.str(),
            "{\"error\":{\"code\":\"INVALID_ARGUMENT\",\"reason\":\"\",\"message\":\"the job: 1 "
            "problem\",\"field_violations\":[{\"field\":\"epochs\",\"description\":\"must be above "
            "0\"}],\"hint\":\"fix it\"}}\n");
}

TEST(ErrorReport, TextFromElsewhereStaysOnItsLine) {
  std::ostringstream err;
  ReportError(err, absl::InternalError("a\nb\x1b[2J"), GlobalFlags(), Style(Screen{}));
  EXPECT_EQ(err.str(), "error: a b\uFFFD[2J\n");
}

TEST(ErrorReport, TellsNoSchedulerFromOneThatIsBusy) {
  const auto report = [](const absl::Status& status) {
    std::ostringstream err;
    ReportError(err, status, GlobalFlags(), Style(Screen{}));
    return err.str();
  };
  EXPECT_THAT(report(absl::UnavailableError("failed to connect to all addresses; last error: "
                                            "UNKNOWN: Failed parsing HTTP/2")),
              StartsWith("error: no scheduler at 127.0.0.1:7070 (what answers there is no "
                         "scheduler)\nhint: start one"));
  EXPECT_EQ(report(absl::UnavailableError("draining")),
            "error: the scheduler at 127.0.0.1:7070 is unavailable (draining)\n");
}

}  // namespace
}  // namespace tune::client
