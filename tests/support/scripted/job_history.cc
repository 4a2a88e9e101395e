#include "tests/support/scripted/job_history.h"

#include <utility>

namespace tune::testing {
namespace {

constexpr int64_t kStart = 1'764'000'000;  // 2025-11-24T16:00:00Z

}  // namespace

v1::JobEvent StateEvent(v1::Job::State state, const std::string& worker) {
  v1::JobEvent event;
  event.mutable_state_change()->set_state(state);
  event.mutable_state_change()->set_worker(worker);
  return event;
}

v1::JobEvent StepEvent(int64_t step, int64_t total, double loss) {
  v1::JobEvent event;
  auto* s = event.mutable_training()->mutable_step();
  s->set_step(step);
  s->set_total_steps(total);
  s->set_epoch(2.0 * static_cast<double>(step) / static_cast<double>(total));
  s->set_loss(loss);
  s->set_learning_rate(9.2e-6);
  s->set_grad_norm(0.83);
  s->set_tokens(1000);
  s->set_seconds(0.5);
  return event;
}

v1::JobEvent TrainingEntry(const v1::TrainingEvent& training) {
  v1::JobEvent event;
  *event.mutable_training() = training;
  return event;
}

v1::WatchJobResponse Batch(std::vector<v1::JobEvent> events, const v1::Job& job, int64_t first_seq,
                           int64_t first_second) {
  v1::WatchJobResponse batch;
  for (v1::JobEvent& event : events) {
    event.set_seq(first_seq++);
    event.mutable_time()->set_seconds(kStart + first_second++);
    if (event.attempt() == 0) event.set_attempt(1);
    *batch.add_events() = std::move(event);
  }
  *batch.mutable_job() = job;
  return batch;
}

v1::Job MakeJob(const std::string& id, v1::Job::State state) {
  v1::Job job;
  job.set_name("jobs/" + id);
  job.set_state(state);
  job.mutable_spec()->set_epochs(2);
  job.mutable_create_time()->set_seconds(kStart);
  return job;
}

}  // namespace tune::testing
