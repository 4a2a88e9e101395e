// What only a GPU can show: that it computes what a CPU does, and that streams of its own give the
// bits of one thing after the other. TUNE_TEST_DEVICE=cpu runs the same on a CPU, where nothing of
// it can fail but the tests themselves.
#include <ATen/DeviceAccelerator.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/files.h"
#include "save_training.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"
#include "tiny_model.h"
#include "worker/trainer/core/device.h"
#include "worker/trainer/net/training_pass.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {
namespace {

class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* name = std::getenv("TUNE_TEST_DEVICE");
    const auto device = OpenDevice(name == nullptr ? "cuda" : name);
    if (!device.ok()) GTEST_SKIP() << device.status().message();
    device_ = *device;
  }

  at::Device device_ = at::kCPU;
};

// Phi-2's heads of 80 with 32 rotated dimensions, in a small model.
ModelConfig HeadsOf80() {
  ModelConfig config = TinyConfig();
  config.vocab_size = 1000;
  config.hidden_size = 640;
  config.intermediate_size = 2560;
  config.num_hidden_layers = 4;
  config.num_attention_heads = config.num_key_value_heads = 8;
  config.max_position_embeddings = 512;
  config.eos_token_id = 999;
  return config;
}

std::vector<Example> Rows() {
  return {RandomExample(300, 40, 1, 1000), RandomExample(17, 1, 2, 1000),
          RandomExample(129, 3, 3, 1000), RandomExample(64, 0, 4, 1000)};
}

struct PassOutcome {
  at::Tensor logits;
  std::vector<double> losses;
  std::vector<at::Tensor> gradients;
};

PassOutcome RunPass(const at::Device& device, at::ScalarType type) {
  const TinyModel tiny(HeadsOf80(), type, 1, {}, device);
  const std::vector<Example> rows = Rows();
  const MicroBatch batch = BatchOf(rows, 0, device);
  const auto one = OneRank();
  const auto lanes = LanesFor(device);
  Gradients gradients(tiny.parameters, *one, *lanes, {});
  gradients.BeginLastPass();
  PassOutcome outcome;
  outcome.logits = ForwardLogits(tiny.model, batch).to(at::kCPU, at::kFloat);
  outcome.losses = ForwardBackward(tiny.model, batch, Dropout(), {.scale = 1e-2}, &gradients);
  gradients.Norm();
  for (size_t i = 0; i < tiny.parameters.size(); ++i) outcome.gradients.push_back(gradients[i]);
  return outcome;
}

// The largest relative errors of logits, of an example's loss and of a parameter's gradient.
std::array<double, 3> ErrorsOf(const PassOutcome& actual, const PassOutcome& expected) {
  std::array<double, 3> errors = {RelativeError(actual.logits, expected.logits), 0, 0};
  for (size_t i = 0; i < expected.losses.size(); ++i) {
    errors[1] = std::max(errors[1], std::abs(actual.losses[i] / expected.losses[i] - 1));
  }
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    // k_proj's bias shifts all scores of a query alike: its true gradient is zero.
    if (expected.gradients[i].norm().item<double>() < 1e-6) continue;
    errors[2] = std::max(errors[2], RelativeError(actual.gradients[i], expected.gradients[i]));
  }
  return errors;
}

TEST_F(GpuTest, LogitsLossAndGradientsAreThoseOfACpuInFp32) {
  const auto errors = ErrorsOf(RunPass(device_, at::kFloat), RunPass(at::kCPU, at::kFloat));
  EXPECT_LT(errors[0], 1e-4) << "logits";
  EXPECT_LT(errors[1], 1e-4) << "loss";
  EXPECT_LT(errors[2], 1e-4) << "gradients";
}

// bf16's own error is what a CPU's bf16 differs from fp32 by.
TEST_F(GpuTest, InBf16TheyAreWithinItsOwnError) {
  const PassOutcome exact = RunPass(at::kCPU, at::kFloat);
  const auto own = ErrorsOf(RunPass(at::kCPU, at::kBFloat16), exact);
  const auto errors = ErrorsOf(RunPass(device_, at::kBFloat16), exact);
  for (size_t i = 0; i < errors.size(); ++i) EXPECT_LT(errors[i], 2 * own[i] + 1e-3) << i;
}

// Steps of a whole training, with all of its parts.
class GpuTrainingTest : public GpuTest {
 protected:
  static constexpr int64_t kBucket = 2048;

  void SetUp() override {
    GpuTest::SetUp();
    if (IsSkipped()) return;
    MakeInputs(scratch_);
    RunFolder run = TinyRun(scratch_);
    run.spec.precision = "fp32";
    setup_ = ReadSetup(scratch_ / "run", run).value();
    UseDeterministicKernels();
  }

  std::unique_ptr<Training> Make(const at::Device& device, const Placement& placement,
                                 bool side_by_side) {
    const auto offload = [&](const Parameters&) {
      return Offload{side_by_side ? ThreadedLanes(device) : InTurn(/*apart=*/true), placement};
    };
    return std::make_unique<Training>(
        *setup_, device, *ranks_, &clock_,
        TrainingOptions{.bucket_values = kBucket, .offload = offload});
  }

  void Train(Training* training, int64_t begin, int64_t end) {
    for (int64_t step = begin; step < end; ++step) {
      const auto result = training->Step(step, [](const StepResult&) { return StepVerdict(); });
      ASSERT_TRUE(result.ok()) << result.status();
    }
  }

  at::Tensor Masters(const at::Device& device, const Placement& placement, bool side_by_side) {
    const auto training = Make(device, placement, side_by_side);
    Train(training.get(), 0, 6);
    return training->optimizer().shard().master.clone();
  }

  std::vector<Placement> Placements() {
    const int64_t all = Make(device_, {}, false)->parameters().layout().buckets();
    return {{0, 0}, {0, all / 2}, {0, all}, {all / 2, all}, {all, all}};
  }

  const ScratchFolder scratch_;
  SystemClock clock_;
  const std::unique_ptr<Ranks> ranks_ = OneRank();
  std::unique_ptr<trainer::Setup> setup_;
};

// Kernels that give the same bits again, so that what differs is the order of copies and updates.
TEST_F(GpuTrainingTest, StreamsGiveTheBitsOfOneThingAfterTheOther) {
  for (const Placement& placement : Placements()) {
    const at::Tensor serial = Masters(device_, placement, false);
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(Masters(device_, placement, true).equal(serial))
          << placement.state << " " << placement.gradients;
    }
  }
}

TEST_F(GpuTrainingTest, EveryPlacementLearnsWhatACpuLearns) {
  const at::Tensor expected = Masters(at::kCPU, {}, false);
  for (const Placement& placement : Placements()) {
    EXPECT_LT(RelativeError(Masters(device_, placement, true), expected), 1e-4)
        << placement.state << " " << placement.gradients;
  }
}

TEST_F(GpuTrainingTest, AResumedRunHasTheSameBits) {
  for (const Placement& placement : Placements()) {
    const auto whole = Make(device_, placement, true);
    Train(whole.get(), 0, 3);
    const std::string path = scratch_ / "saved";
    ASSERT_TRUE(SaveTraining(path, *setup_, whole.get(), *ranks_).ok());
    Train(whole.get(), 3, 6);
    const auto resumed = Make(device_, placement, true);
    ASSERT_TRUE(RestoreOptimizer(path, resumed->parameters(), &resumed->optimizer()).ok());
    resumed->set_updates(3);
    Train(resumed.get(), 3, 6);
    EXPECT_TRUE(resumed->optimizer().shard().master.equal(whole->optimizer().shard().master))
        << placement.state << " " << placement.gradients;
  }
}

// The program itself, as a worker starts it, from a run folder to a checkpoint. TUNE_TRAINER says
// where it is.
class GpuProgramTest : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (IsSkipped()) return;
    if (std::getenv("TUNE_TRAINER") == nullptr) GTEST_SKIP() << "TUNE_TRAINER is not set";
    MakeInputs(scratch_);
  }

  // The exported weights.
  std::string Train(const std::string& name, int64_t gpus) {
    RunFolder run = TinyRun(scratch_);
    run.spec.deterministic = true;
    run.spec.resources.device = device_.is_cpu() ? "cpu" : "cuda";
    run.spec.resources.gpus = gpus;
    EXPECT_TRUE(CreateDirectories(scratch_ / name).ok());
    EXPECT_TRUE(WriteRunFolder(scratch_ / name, run).ok());
    const std::string command =
        absl::StrCat(std::getenv("TUNE_TRAINER"), " run ", scratch_ / name, " 1>&2");
    EXPECT_EQ(std::system(command.c_str()), 0);
    return ReadFile(scratch_ / name + "/checkpoints/final/model.safetensors").value_or("");
  }

  const ScratchFolder scratch_;
};

TEST_F(GpuProgramTest, TrainsTheSameWeightsAgain) {
  const std::string first = Train("first", 1);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(Train("second", 1), first);
}

TEST_F(GpuProgramTest, TwoGpusShareARun) {
  if (device_.is_cpu() || at::accelerator::deviceCount() < 2) GTEST_SKIP() << "needs two GPUs";
  EXPECT_FALSE(Train("two", 2).empty());
}

}  // namespace
}  // namespace tune::trainer
