#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "monitor/http_endpoint.h"
#include "monitor/process_collector.h"
#include "server/metrics/fleet_collector.h"
#include "tests/support/http_get.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

using ::testing::HasSubstr;

class MetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    http_->Serve({&scheduler_.registry(), &fleet_, &process_},
                 [this] { return scheduler_.engine().Ready(); });
  }
  std::string Scrape() { return HttpBody(HttpGet(http_->address(), "/metrics")); }

  RunningScheduler scheduler_;
  FleetCollector fleet_{scheduler_.engine(), scheduler_.folder()};
  ProcessCollector process_;
  std::unique_ptr<HttpEndpoint> http_ = *HttpEndpoint::Start("127.0.0.1:0");
};

TEST_F(MetricsTest, EveryNameIsThereBeforeAnythingHappened) {
  const std::string text = Scrape();
  for (const char* series :
       {"tune_build_info{version=",
        "tune_jobs{state=\"QUEUED\"} 0",
        "tune_jobs{state=\"CANCELLED\"} 0",
        "tune_jobs_submitted_total 0",
        "tune_jobs_finished_total{result=\"succeeded\"} 0",
        "tune_job_attempts_total{reason=\"worker\"} 0",
        "tune_job_queue_wait_seconds_count 0",
        "tune_job_run_duration_seconds_count{result=\"failed\"} 0",
        "tune_workers{state=\"IDLE\"} 0",
        "tune_workers{state=\"LOST\"} 0",
        "tune_workers{state=\"UNHEALTHY\"} 0",
        "tune_leases_expired_total 0",
        "tune_workers_benched_total 0",
        "tune_watch_streams{method=\"WatchJob\"} 0",
        "tune_store_size_bytes ",
        "tune_store_transaction_duration_seconds_count{op=\"write\"}",
        "tune_store_errors_total{op=\"write\"} 0",
        "tune_checkpoints 0",
        "tune_checkpoint_transferred_bytes_total{direction=\"upload\"} 0",
        "tune_storage_free_bytes{volume=\"data\"}",
        "tune_storage_size_bytes{volume=\"data\"}",
        "grpc_server_handling_seconds_count{",
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_max_fds ",
        "process_start_time_seconds ",
        "grpc_server_started_total{grpc_method=\"AcquireLease\",grpc_service=\"tune.v1."
        "DispatchService\",grpc_type=\"unary\"} 0",
        "grpc_server_started_total{grpc_method=\"UploadBlob\",grpc_service=\"tune.v1."
        "BlobService\",grpc_type=\"client_stream\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST_F(MetricsTest, TheyFollowAJob) {
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  EXPECT_THAT(Scrape(), HasSubstr("tune_jobs{state=\"QUEUED\"} 1"));
  EXPECT_THAT(Scrape(), HasSubstr("tune_queue_oldest_job_timestamp_seconds "));
  ASSERT_TRUE(scheduler_.Register().ok());
  const auto lease = scheduler_.Acquire();
  ASSERT_TRUE(lease.ok()) << lease.status();
  ASSERT_TRUE(scheduler_.ReportStep(lease->key(), 1, 1).ok());
  ASSERT_TRUE(scheduler_.Commit(lease->key(), true, scheduler_.Upload("m", "weights")).ok());
  ASSERT_TRUE(scheduler_.Finish(lease->key(), v1::FinishAttemptRequest::SUCCEEDED).ok());
  const std::string text = Scrape();
  for (const char* series :
       {"tune_jobs{state=\"QUEUED\"} 0", "tune_jobs{state=\"SUCCEEDED\"} 1",
        "tune_jobs_submitted_total 1", "tune_jobs_finished_total{result=\"succeeded\"} 1",
        "tune_job_attempts_total{reason=\"first\"} 1", "tune_job_queue_wait_seconds_count 1",
        "tune_checkpoints 1", "tune_workers{state=\"IDLE\"} 1",
        "tune_worker_last_heartbeat_timestamp_seconds{worker=\"w\"}",
        "grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"FinishAttempt\",grpc_service="
        "\"tune.v1.DispatchService\",grpc_type=\"unary\"} 1"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST_F(MetricsTest, ErrorsAreCountedByCode) {
  v1::GetJobRequest request;
  request.set_name("jobs/nobody");
  EXPECT_FALSE(Call(scheduler_.jobs(), &v1::JobService::Stub::GetJob, request).ok());
  EXPECT_THAT(Scrape(), HasSubstr("grpc_server_handled_total{grpc_code=\"NotFound\",grpc_method="
                                  "\"GetJob\",grpc_service=\"tune.v1.JobService\""));
}

TEST_F(MetricsTest, PromtoolFindsNothing) {
  if (system("command -v promtool > /dev/null") != 0) {
    GTEST_SKIP() << "no promtool (Debian package prometheus)";
  }
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  const std::string file = scheduler_.folder() + "/metrics";
  const std::string found = scheduler_.folder() + "/found";
  ASSERT_TRUE(WriteFileDurably(file, Scrape()).ok());
  const int exit_code =
      system(absl::StrCat("promtool check metrics < ", file, " > ", found, " 2>&1").c_str());
  EXPECT_EQ(exit_code, 0) << *ReadFile(found);
}

}  // namespace
}  // namespace tune::server
