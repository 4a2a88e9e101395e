// Whole steps over a device with memory of its own: a late one, which shows whether everything that
// must be waited for is, and one of threads. They give the bits of the same steps done one thing
// after the other, and those the bits of a run on a CPU, which copies nothing.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"
#include "late_lanes.h"
#include "save_training.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"
#include "tiny_model.h"
#include "worker/trainer/net/training_pass.h"
#include "worker/trainer/run/checkpoint.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {
namespace {

using MakeLanes = std::function<std::unique_ptr<Lanes>()>;

// Losses and norms of five steps and an evaluation, and what is made of the state after them.
struct Course {
  std::vector<double> numbers;
  std::vector<at::Tensor> state;

  bool operator==(const Course& other) const {
    if (numbers != other.numbers) return false;
    for (size_t i = 0; i < state.size(); ++i) {
      if (!state[i].equal(other.state[i])) return false;
    }
    return true;
  }
};

class OffloadTest : public testing::Test {
 protected:
  static constexpr int64_t kBucket = 2048;  // of 23,000 values

  // More threads take longer over tensors so small.
  void SetUp() override {
    at::set_num_threads(1);
    MakeInputs(scratch_);
  }
  void TearDown() override { at::set_num_threads(threads_); }

  void Open(const char* precision = "bf16") {
    RunFolder run = TinyRun(scratch_);
    run.spec.precision = precision;
    run.spec.weight_decay = 0.1;
    auto setup = ReadSetup(scratch_ / "run", run);
    ASSERT_TRUE(setup.ok()) << setup.status();
    setup_ = *std::move(setup);
  }

  std::unique_ptr<Training> Make(const MakeLanes& lanes, const Placement& placement) {
    const auto offload = [&](const Parameters&) { return Offload{lanes(), placement}; };
    return std::make_unique<Training>(
        *setup_, at::kCPU, *ranks_, &clock_,
        TrainingOptions{.bucket_values = kBucket, .offload = offload});
  }

  static void Step(Training* training, int64_t step, Course* course) {
    const auto result = training->Step(step, [](const StepResult&) { return StepVerdict(); });
    ASSERT_TRUE(result.ok()) << result.status();
    course->numbers.push_back(result->loss);
    course->numbers.push_back(result->grad_norm);
  }

  // After each step somebody else is the first to look at what it has made.
  Course Train(const MakeLanes& lanes, const Placement& placement) {
    const auto training = Make(lanes, placement);
    Course course;
    Step(training.get(), 0, &course);
    course.numbers.push_back(training->Evaluate(setup_->datasets[0]).loss());
    Step(training.get(), 1, &course);
    course.state.push_back(training->parameters().flat().detach().clone());
    Step(training.get(), 2, &course);
    for (const NamedTensor& master : training->Masters()) {
      course.state.push_back(master.tensor.clone());
    }
    Step(training.get(), 3, &course);
    course.state.push_back(ForwardLogits(training->network(), OneRow()));
    Step(training.get(), 4, &course);
    const StateShard shard = training->optimizer().shard();
    for (const at::Tensor& part : {shard.master, shard.exp_avg, shard.exp_avg_sq}) {
      course.state.push_back(part.clone());
    }
    return course;
  }

  MicroBatch OneRow() const {
    return MakeMicroBatch({{&setup_->datasets[0].examples[0], 0}}, at::kCPU);
  }

  int64_t Buckets() { return Make(Serial, {})->parameters().layout().buckets(); }

  static std::unique_ptr<Lanes> Serial() { return InTurn(/*apart=*/true); }

  // All on the host, gradients and state in part or whole on the device.
  std::vector<Placement> Placements() {
    const int64_t all = Buckets();
    EXPECT_GE(all, 8);
    return {{0, 0}, {0, all / 2}, {0, all}, {3, all}, {all, all}};
  }

  // A hundred courses in a suite, as many as wanted by TUNE_LATE_SEEDS.
  static uint64_t Seeds() {
    const char* seeds = std::getenv("TUNE_LATE_SEEDS");
    return seeds == nullptr ? 5 : std::strtoull(seeds, nullptr, 10);
  }

  const int threads_ = at::get_num_threads();
  const ScratchFolder scratch_;
  SystemClock clock_;
  const std::unique_ptr<Ranks> ranks_ = OneRank();
  std::unique_ptr<trainer::Setup> setup_;
};

TEST_F(OffloadTest, ALateDeviceGivesTheSameBits) {
  for (const char* precision : {"bf16", "fp32"}) {
    Open(precision);
    for (const Placement& placement : Placements()) {
      const Course expected = Train(Serial, placement);
      for (uint64_t seed = 0; seed < Seeds(); ++seed) {
        const auto late = [&] { return std::make_unique<LateLanes>(seed); };
        ASSERT_TRUE(Train(late, placement) == expected)
            << precision << ", state " << placement.state << ", gradients " << placement.gradients
            << ", seed " << seed;
      }
    }
  }
}

// Graphs that are kept over the forward pass, while weights of later blocks still come.
TEST_F(OffloadTest, KeptActivationsGiveTheSameBits) {
  Open();
  setup_->run.spec.recompute = false;
  const int64_t all = Buckets();
  const Course expected = Train(Serial, {0, all});
  for (uint64_t seed = 0; seed < Seeds(); ++seed) {
    const auto late = [&] { return std::make_unique<LateLanes>(seed); };
    ASSERT_TRUE(Train(late, {0, all}) == expected) << seed;
  }
}

TEST_F(OffloadTest, ThreadsGiveTheSameBits) {
  Open();
  for (const Placement& placement : Placements()) {
    const Course expected = Train(Serial, placement);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(Train([] { return ThreadedLanes(at::kCPU); }, placement) == expected)
          << placement.state << " " << placement.gradients;
    }
  }
}

// Where the state is all on the host, it is a CPU's run to the bit, wherever gradients add up.
TEST_F(OffloadTest, StateOnTheHostIsTheRunOfACpu) {
  Open();
  const Course expected = Train([] { return InTurn(/*apart=*/false); }, {});
  for (const Placement& placement : Placements()) {
    if (placement.state == 0) {
      EXPECT_TRUE(Train(Serial, placement) == expected) << placement.gradients;
    }
  }
}

// What is updated on the device, by LibTorch's kernel, differs from what our kernel makes by
// rounding: after five steps of a rate of 0.01 by less than 1e-5 of the largest value.
TEST_F(OffloadTest, StateOnTheDeviceDiffersByRounding) {
  Open("fp32");
  setup_->run.spec.eps =
      1e-3;  // else an update of a gradient that is nothing but rounding is as large
  const Course expected = Train(Serial, {});
  for (const Placement& placement : Placements()) {
    const Course course = Train(Serial, placement);
    for (size_t i = 0; i < expected.state.size(); ++i) {
      EXPECT_LT(RelativeError(course.state[i], expected.state[i]), 1e-5) << placement.state;
    }
    for (size_t i = 0; i < expected.numbers.size(); ++i) {
      EXPECT_NEAR(course.numbers[i], expected.numbers[i], 1e-5 * expected.numbers[i]);
    }
  }
}

// A checkpoint has the same bytes wherever the state was, and goes on anywhere.
TEST_F(OffloadTest, ACheckpointGoesOnUnderAnotherPlacement) {
  Open();
  const auto late = [] { return std::make_unique<LateLanes>(7); };
  for (const Placement& from : Placements()) {
    const auto first = Make(late, from);
    Course course;
    for (int64_t step = 0; step < 2; ++step) Step(first.get(), step, &course);
    const std::string path = scratch_ / "saved";
    ASSERT_TRUE(SaveTraining(path, *setup_, first.get(), *ranks_).ok());
    const StateShard saved = first->optimizer().shard();
    for (const Placement& to : Placements()) {
      const auto second = Make(late, to);
      ASSERT_TRUE(RestoreOptimizer(path, second->parameters(), &second->optimizer()).ok());
      const StateShard restored = second->optimizer().shard();
      EXPECT_TRUE(restored.master.equal(saved.master));
      EXPECT_TRUE(restored.exp_avg.equal(saved.exp_avg));
      EXPECT_TRUE(restored.exp_avg_sq.equal(saved.exp_avg_sq));
      EXPECT_TRUE(second->parameters().flat().equal(first->parameters().flat()));
    }
  }
}

}  // namespace
}  // namespace tune::trainer
