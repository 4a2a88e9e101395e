#include "server/engine/submit.h"

#include <gmock/gmock.h>

#include "base/field_errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class SubmitTest : public EngineTest {};

TEST_F(SubmitTest, WarnsOfARunThatWouldChangeNoWeight) {
  PushInputs();
  NewJob request = Request("one-step");  // one row, two epochs
  EXPECT_EQ(Submit(request).warnings.size(), 0u);
  request.job_id = "no-rate";
  request.spec.max_steps = 1;
  const Job job = Submit(request);
  ASSERT_EQ(job.warnings.size(), 1u);
  EXPECT_THAT(job.warnings[0], HasSubstr("warmup_ratio: 0"));
}

TEST_F(SubmitTest, AJobIsQueuedAndHeard) {
  PushInputs();
  int woken = 0;
  const auto waiting = engine().waiters().Add("w", [&] { ++woken; });
  const auto unfit = engine().waiters().Add("unfit", [&] { woken = 100; });
  ASSERT_TRUE(Register("w").ok());
  woken = 0;
  const Job job = Submit(Request("j"));
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.create_time, clock_.Now());
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(observer_.submitted, 1);
  const auto events = Events("j");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].state, JobState::kQueued);
}

TEST_F(SubmitTest, ARepeatGetsTheSameJob) {
  PushInputs();
  NewJob request = Request("");
  request.request_id = "r";
  const Job first = Submit(request);
  EXPECT_THAT(first.id, StartsWith("m-"));
  EXPECT_EQ(first.id.size(), 8u);
  EXPECT_EQ(Submit(request).id, first.id);
  EXPECT_EQ(observer_.submitted, 1);
  Reopen();
  EXPECT_EQ(Submit(request).id, first.id);
  request.spec.epochs = 3;
  const absl::Status other = engine().submit().CreateJob(request).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(other.message()), HasSubstr("another body"));
}

TEST_F(SubmitTest, ATakenJobIdIsRefused) {
  SubmitJob("j");
  const absl::Status status = engine().submit().CreateJob(Request("j")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("jobs/j"));
}

TEST_F(SubmitTest, ValidateOnlyStoresNothing) {
  PushInputs();
  NewJob request = Request("j");
  request.validate_only = true;
  EXPECT_EQ(Submit(request).id, "j");
  EXPECT_EQ(engine().queries().GetJob("j").status().code(), absl::StatusCode::kNotFound);
  request.spec.model = "models/none";
  EXPECT_EQ(engine().submit().CreateJob(request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SubmitTest, MissingInputsAreAllNamed) {
  const auto errors = FieldErrorsOf(engine().submit().CreateJob(Request("j")).status());
  std::vector<std::string> fields;
  for (const FieldError& e : errors) fields.push_back(e.field);
  EXPECT_THAT(fields, ElementsAre("model", "datasets[0].dataset"));
}

TEST_F(SubmitTest, IdAndLabelsAreChecked) {
  PushInputs();
  NewJob request = Request("Bad Id");
  request.labels[""] = "x";
  const auto errors = FieldErrorsOf(engine().submit().CreateJob(request).status());
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].field, "job_id");
  EXPECT_THAT(errors[1].field, StartsWith("labels"));
}

TEST_F(SubmitTest, TheDefaultMaxLengthFitsTheModelAndAnotherMust) {
  PushInputs();
  NewJob request = Request("j");
  request.spec.max_length = RunSpec().max_length;
  const Job job = Submit(request);
  EXPECT_EQ(job.spec.max_length, 512);
  ASSERT_EQ(job.warnings.size(), 1u);
  EXPECT_THAT(job.warnings[0], HasSubstr("512"));
  request.job_id = "k";
  request.spec.max_length = 513;
  EXPECT_EQ(FieldErrorsOf(engine().submit().CreateJob(request).status()).at(0).field, "max_length");
}

TEST_F(SubmitTest, PagesGoThroughAllJobsOnce) {
  PushInputs();
  for (const char* id : {"a", "b", "c"}) Submit(Request(id));
  std::vector<std::string> ids;
  PageRequest page{2, ""};
  do {
    const auto jobs = engine().queries().ListJobs({}, page);
    ASSERT_TRUE(jobs.ok());
    for (const Job& job : jobs->items) ids.push_back(job.id);
    page.token = jobs->next_token;
  } while (!page.token.empty());
  EXPECT_THAT(ids, ElementsAre("c", "b", "a"));
  EXPECT_EQ(FieldErrorsOf(engine().queries().ListJobs({}, {0, "junk"}).status()).at(0).field,
            "page_token");
  EXPECT_EQ(FieldErrorsOf(engine().queries().ListJobs({}, {-1, ""}).status()).at(0).field,
            "page_size");
}

TEST_F(SubmitTest, AQueuedJobSaysWhyItWaitsAndItsPlace) {
  SubmitJob("a");
  SubmitJob("b");
  EXPECT_EQ(Get("b").queue_position, 1);
  EXPECT_EQ(Get("b").reason, "NoWorker");
  ASSERT_TRUE(Register("w").ok());
  EXPECT_EQ(Get("b").reason, "AwaitsWorker");
  NewJob cuda = Request("c");
  cuda.spec.resources.device = "cuda";
  Submit(cuda);
  EXPECT_EQ(Get("c").reason, "NoGpuWorker");
  PassTime(absl::Seconds(31));
  EXPECT_EQ(Get("c").reason, "NoWorker");
}

TEST_F(SubmitTest, AJobThatNoTrainerUnderstandsSaysSoAndHoldsNobodyUp) {
  PushInputs();
  NewJob demanding = Request("demanding");
  demanding.spec.on_spike = "skip";
  demanding.spec.priority = 9;
  Submit(demanding);
  SubmitJob("plain");
  WorkerRecord old;
  old.id = "old";
  old.incarnation = "i1";
  old.version = old.trainer_version = "0.0.9";
  old.spec_fields = AllSpecFields();
  std::erase(old.spec_fields, "on_spike");
  ASSERT_TRUE(engine().leases().RegisterWorker({old, {}}).ok());
  EXPECT_EQ(Get("demanding").reason, "NoWorkerOfVersion");
  EXPECT_THAT(Get("demanding").message, HasSubstr("tune-trainer 0.0.9 lacks on_spike"));
  EXPECT_EQ(engine().queries().ListJobs({}, {})->items.back().reason, "NoWorkerOfVersion");
  EXPECT_EQ(Acquire("old")->key.job_id, "plain");
  ASSERT_TRUE(Register("new").ok());
  EXPECT_EQ(Acquire("new")->key.job_id, "demanding");
}

TEST_F(SubmitTest, AJobWhoseFileNoTrainerReadsSaysSo) {
  PushInputs();
  const auto pushed =
      engine().registry().CreateDataset("faq", Upload("faq.csv", "prompt,response\na,b\n"), {});
  ASSERT_TRUE(pushed.ok()) << pushed.status();
  NewJob request = Request("tables");
  request.spec.eval = EvalSpec{};
  request.spec.eval->dataset = "datasets/faq";
  Submit(request);
  ASSERT_TRUE(Register("old").ok());
  EXPECT_EQ(Get("tables").reason, "NoWorkerForFile");
  EXPECT_THAT(Get("tables").message, HasSubstr("datasets/faq (csv)"));
  EXPECT_FALSE(Acquire("old").has_value());
  WorkerRecord reads;
  reads.id = "reads";
  reads.incarnation = "i1";
  reads.spec_fields = AllSpecFields();
  reads.spec_fields.push_back("file=csv");
  ASSERT_TRUE(engine().leases().RegisterWorker({reads, {}}).ok());
  EXPECT_EQ(Acquire("reads")->key.job_id, "tables");
}

}  // namespace
}  // namespace tune::server
