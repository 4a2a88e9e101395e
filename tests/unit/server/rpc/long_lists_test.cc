// Lists and jobs that are larger than a message may be.
#include <gmock/gmock.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "server/rpc/list_page.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

class LongListsTest : public ::testing::Test {
 protected:
  LongListsTest() {
    EXPECT_TRUE(scheduler_.CreateModel().ok());
    EXPECT_TRUE(
        scheduler_.CreateDataset("rows", "{\"prompt\": \"a\", \"response\": \"b\"}\n").ok());
    request_.spec.model = "models/tiny";
    request_.spec.datasets = {{"datasets/rows", 1}};
  }
  void Submit(const std::string& id) {
    request_.job_id = id;
    const auto job = scheduler_.engine().submit().CreateJob(request_);
    ASSERT_TRUE(job.ok()) << job.status();
  }
  // Every job once, however many pages it takes; `pages` counts them.
  std::set<std::string> ListAll(int& pages) {
    std::set<std::string> names;
    v1::ListJobsRequest list;
    list.set_page_size(1000);
    for (pages = 0;; ++pages) {
      const auto answer = Call(scheduler_.jobs(), &v1::JobService::Stub::ListJobs, list);
      EXPECT_TRUE(answer.ok()) << answer.status();
      if (!answer.ok()) return names;
      EXPECT_LE(answer->ByteSizeLong(), size_t{kMaxMessageBytes});
      for (const v1::Job& job : answer->jobs()) {
        EXPECT_TRUE(names.insert(job.name()).second) << job.name() << " comes twice";
        EXPECT_EQ(job.spec().sample_prompts_size(), 0);
        EXPECT_EQ(job.spec().template_(), "");
        EXPECT_EQ(job.spec().model(), "models/tiny");
      }
      list.set_page_token(answer->next_page_token());
      if (list.page_token().empty()) break;
    }
    ++pages;
    return names;
  }

  RunningScheduler scheduler_;
  NewJob request_;
};

TEST_F(LongListsTest, AThousandJobsOfLongPromptsAreOnePage) {
  request_.spec.sample_prompts.assign(32, std::string(8000, 'p'));
  for (int i = 0; i < 1000; ++i) Submit(absl::StrCat("job-", i));
  int pages = 0;
  EXPECT_EQ(ListAll(pages).size(), 1000u);
  EXPECT_EQ(pages, 1);
  v1::GetJobRequest get;
  get.set_name("jobs/job-7");
  EXPECT_EQ(Call(scheduler_.jobs(), &v1::JobService::Stub::GetJob, get)->spec().sample_prompts(0),
            request_.spec.sample_prompts[0]);
}

TEST_F(LongListsTest, JobsOfManyLabelsAreCutIntoPagesByBytes) {
  for (int i = 0; i < 64; ++i) request_.labels[absl::StrCat("label-", i)] = std::string(256, 'v');
  for (int i = 0; i < 400; ++i) Submit(absl::StrCat("job-", i));
  int pages = 0;
  EXPECT_EQ(ListAll(pages).size(), 400u);
  EXPECT_EQ(pages, 3);
}

TEST_F(LongListsTest, ASpecBeyondAMessageIsRefused) {
  request_.spec.sample_prompts.assign(1, std::string((1 << 20) + 1, 'p'));
  const absl::Status status = scheduler_.engine().submit().CreateJob(request_).status();
  EXPECT_THAT(FieldErrorsOf(status), ElementsAre(Field(&FieldError::field, "spec")));
}

TEST_F(LongListsTest, AWatchCutsLongEventsIntoMessages) {
  Submit("demo");
  ASSERT_TRUE(scheduler_.Register().ok());
  const auto lease = scheduler_.Acquire();
  ASSERT_TRUE(lease.ok()) << lease.status();
  for (int i = 1; i <= 9; ++i) {
    v1::ReportEventsRequest report;
    *report.mutable_key() = lease->key();
    report.set_first_seq(i);
    report.add_events()->mutable_sample()->set_text(std::string(1 << 20, 'r'));
    ASSERT_TRUE(Call(scheduler_.dispatch(), &v1::DispatchService::Stub::ReportEvents, report).ok());
  }
  ASSERT_TRUE(scheduler_.engine().orders().Cancel({"demo", "enough"}).ok());
  v1::WatchJobRequest watch;
  watch.set_name("jobs/demo");
  const auto context = MakeContext(absl::Seconds(30));
  const auto stream = scheduler_.jobs().WatchJob(context.get(), watch);
  v1::WatchJobResponse message;
  int events = 0;
  while (stream->Read(&message)) events += message.events_size();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(events, 13);  // queued, leased, running, nine replies, cancelled
}

}  // namespace
}  // namespace tune::server
