#include "worker/agent/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "absl/strings/str_cat.h"
#include "fakes.h"
#include "lease.h"
#include "worker/agent/resources.h"
#include "worker/agent/trainer_events.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OneGpu : public GpuProbe {
 public:
  std::vector<GpuReading> Read() override {
    return {{.product = "H200",
             .uuid = "GPU-1",
             .memory_bytes = 150,
             .memory_used_bytes = 30,
             .utilization = 0.25,
             .temperature_celsius = {},
             .energy_joules = 12.5}};
  }
};

class MetricsTest : public ::testing::Test {
 protected:
  std::string Text() { return prometheus::TextSerializer().Serialize(metrics_.Collect()); }
  void Observe(const std::string& json) { metrics_.Observe("jobs/j", ParseEventLine(json, 1)); }

  VirtualClock clock_;
  OneGpu gpus_;
  Metrics metrics_{clock_, &gpus_};
};

TEST_F(MetricsTest, ARunShowsItsSteps) {
  metrics_.RunStarted(TestLease());
  Observe(R"({"started":{"total_steps":"100","flops_per_token":1000}})");
  for (const char* step : {"41", "42"}) {
    Observe(absl::StrCat(
        R"({"time":"2026-01-01T00:00:00Z","step":{"step":")", step,
        R"(","total_steps":"100","epoch":0.84,"loss":1.5,"learning_rate":1e-5,"grad_norm":0.75,)"
        R"("target_tokens":"100","tokens":"400","examples":"8","seconds":2,)"
        R"("phase_seconds":{"forward":0.5}}})"));
  }
  Observe(R"({"evaluation":{"step":"42","loss":1.75}})");
  clock_.Advance(absl::Seconds(90));
  const std::string text = Text();
  for (const char* line : {
           R"(tune_train_running{job_id="j"} 1)",
           R"(tune_train_info{job_id="j",name="j",model="models/m",method="full",attempt="2"} 1)",
           R"(tune_train_loss{job_id="j"} 1.5)",
           R"(tune_eval_loss{job_id="j"} 1.75)",
           R"(tune_train_learning_rate{job_id="j"} 1)",
           R"(tune_train_grad_norm{job_id="j"} 0.75)",
           R"(tune_train_steps{job_id="j"} 42)",
           R"(tune_train_planned_steps{job_id="j"} 100)",
           R"(tune_train_steps_total{job_id="j"} 2)",
           R"(tune_train_tokens_total{job_id="j",kind="target"} 200)",
           R"(tune_train_tokens_total{job_id="j",kind="context"} 600)",
           R"(tune_train_samples_total{job_id="j"} 16)",
           R"(tune_train_model_flops_total{job_id="j"} 800000)",
           R"(tune_train_phase_seconds_total{phase="forward"} 1)",
           R"(tune_train_step_duration_seconds_count 2)",
           R"(tune_train_step_duration_seconds_bucket{le="2.5"} 2)",
           R"(tune_checkpoint_interval_seconds{job_id="j"} 20)",
           R"(tune_worker_busy_seconds_total{job_id="j"} 90)",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(MetricsTest, ARunWithSeveralSourcesShowsEach) {
  metrics_.RunStarted(TestLease());
  Observe(R"({"step":{"step":"1","loss":2,"sources":[)"
          R"({"source":"datasets/a","loss":1.5,"target_tokens":"30","run_examples":"3",)"
          R"("run_tokens":"90","run_target_tokens":"30"},)"
          R"({"source":"datasets/b","loss":2.5,"target_tokens":"30","run_examples":"5",)"
          R"("run_tokens":"80","run_target_tokens":"40"}]}})");
  Observe(
      R"({"evaluation":{"step":"1","loss":2,"sources":[{"source":"datasets/a","loss":1.75}]}})");
  const std::string text = Text();
  for (const char* line : {
           R"(tune_train_source_loss{job_id="j",source="a"} 1.5)",
           R"(tune_train_source_loss{job_id="j",source="b"} 2.5)",
           R"(tune_eval_source_loss{job_id="j",source="a"} 1.75)",
           R"(tune_train_source_samples_total{job_id="j",source="b"} 5)",
           R"(tune_train_source_tokens_total{job_id="j",source="b"} 80)",
           R"(tune_train_source_target_tokens_total{job_id="j",source="b"} 40)",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr(R"(tune_eval_source_loss{job_id="j",source="b"})")));
}

TEST_F(MetricsTest, ALossThatIsNoNumberIsShownAsThat) {
  metrics_.RunStarted(TestLease());
  Observe(R"({"step":{"step":"1","loss":"NaN"}})");
  EXPECT_THAT(Text(), HasSubstr("tune_train_loss{job_id=\"j\"} Nan"));
}

TEST_F(MetricsTest, ARunThatEndedIsShownOnceMore) {
  metrics_.RunStarted(TestLease());
  metrics_.RunEnded("jobs/j");
  EXPECT_THAT(Text(), HasSubstr("tune_train_running{job_id=\"j\"} 0"));
  EXPECT_THAT(Text(), Not(HasSubstr("job_id")));
}

TEST_F(MetricsTest, WithoutAScrapeARunThatEndedGoesWithTime) {
  metrics_.RunStarted(TestLease());
  metrics_.RunEnded("jobs/j");
  clock_.Advance(absl::Minutes(2));
  v1::Lease other = TestLease();
  other.mutable_key()->set_job("jobs/other");
  metrics_.RunStarted(other);
  EXPECT_THAT(Text(), Not(HasSubstr("job_id=\"j\"")));
}

TEST_F(MetricsTest, Checkpoints) {
  metrics_.RunStarted(TestLease());
  v1::TrainingEvent::CheckpointSaved saved;
  saved.set_size_bytes(5000);
  saved.set_seconds(1.5);
  metrics_.CheckpointCommitted("jobs/j", saved, absl::Seconds(3));
  metrics_.CheckpointFailed();
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("tune_checkpoint_size_bytes{job_id=\"j\"} 5000"));
  EXPECT_THAT(text, HasSubstr("tune_checkpoint_duration_seconds_sum 4.5"));
  EXPECT_THAT(text, HasSubstr("tune_checkpoint_failures_total 1"));
}

TEST_F(MetricsTest, TheProcessAndTheGpus) {
  metrics_.HeartbeatFailed();
  metrics_.SetHealthy(false);
  metrics_.LogMessage("warning");
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("tune_build_info{version="));
  EXPECT_THAT(text, HasSubstr("tune_worker_heartbeat_failures_total 1"));
  EXPECT_THAT(text, HasSubstr("tune_worker_healthy 0"));
  EXPECT_THAT(text, HasSubstr("tune_log_messages_total{level=\"warning\"} 1"));
  EXPECT_THAT(text, HasSubstr("tune_gpu_memory_used_bytes{gpu=\"0\"} 30"));
  EXPECT_THAT(text, HasSubstr("tune_gpu_energy_joules_total{gpu=\"0\"} 12.5"));
  EXPECT_THAT(text, HasSubstr("tune_gpu_info{gpu=\"0\",uuid=\"GPU-1\",product=\"H200\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("tune_gpu_temperature_celsius"))) << "this one does not tell";
}

TEST(Resources, OfThisMachine) {
  const DeviceReport devices{
      .findings = {},
      .gpus = {{"old", 1, "0", "has no code for it"}, {"H200", 150, "1", ""}},
      .problem = ""};
  const auto resources = ReadResources("/", devices);
  ASSERT_TRUE(resources.ok()) << resources.status();
  EXPECT_GE(resources->cpus(), 1);
  EXPECT_GT(resources->host_memory_bytes(), 1 << 20);
  ASSERT_EQ(resources->gpus_size(), 1) << "only what the trainer can use";
  EXPECT_EQ(resources->gpus(0).product(), "H200");
  EXPECT_EQ(resources->gpus(0).memory_bytes(), 150);
  EXPECT_EQ(resources->unused_gpus(), "GPU 0: has no code for it");
  EXPECT_TRUE(absl::IsNotFound(ReadResources("/no/such/folder", devices).status()));
}

TEST(Resources, ACgroupLimitCounts) {
  EXPECT_EQ(LimitedMemory(1000, "max\n"), 1000);
  EXPECT_EQ(LimitedMemory(1000, "600\n"), 600);
  EXPECT_EQ(LimitedMemory(1000, "9223372036854771712\n"), 1000);
}

}  // namespace
}  // namespace tune::worker
