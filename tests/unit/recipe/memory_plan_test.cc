#include "recipe/plan/memory_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "recipe/model/model_family.h"

namespace tune {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

ModelConfig Phi2() {
  ModelConfig config;
  config.vocab_size = 51200;
  config.hidden_size = 2560;
  config.intermediate_size = 10240;
  config.num_hidden_layers = 32;
  config.num_attention_heads = config.num_key_value_heads = 32;
  config.partial_rotary_factor = 0.4;
  return config;
}

MemoryInputs OnCard(int64_t gib) {
  return {.config = Phi2(),
          .value_bytes = 2,
          .saved_value_bytes = 2,
          .pass_tokens = 4096,
          .examples = 200'000,
          .data_tokens = 20'000'000,
          .vocabulary = 50295,
          .has_device = true,
          .device_bytes = gib * kGiB};
}

double ShareOnDevice(int64_t gib) {
  const MemoryPlan plan = PlanMemory(OnCard(gib));
  return static_cast<double>(plan.device.state) /
         static_cast<double>(kStateBytes * ParameterCount(Phi2()));
}

// What the README says of cards.
TEST(PlanMemory, Phi2OnCardsOfSeveralSizes) {
  EXPECT_EQ(ShareOnDevice(79), 1);
  EXPECT_NEAR(ShareOnDevice(40), 0.65, 0.1);
  EXPECT_LT(ShareOnDevice(24), 0.2);
  EXPECT_EQ(PlanMemory(OnCard(24)).device.gradients, kGradientBytes * ParameterCount(Phi2()));
  EXPECT_EQ(PlanMemory(OnCard(16)).device.state, 0);
  EXPECT_GT(PlanMemory(OnCard(16)).device.gradients, 0);
}

TEST(PlanMemory, OffloadSaysWhereStateMayBe) {
  MemoryInputs inputs = OnCard(79);
  inputs.offload = "host";
  EXPECT_EQ(PlanMemory(inputs).device.state, 0);
  inputs = OnCard(24);
  inputs.offload = "none";
  EXPECT_EQ(PlanMemory(inputs).host.state, 0);
  EXPECT_GT(PlanMemory(inputs).device.total(), inputs.device_bytes);
}

// Every value's gradient and state is somewhere, once, and a card is never filled beyond what it
// has where weights and a pass fit.
TEST(PlanMemory, NothingIsLostBetweenDeviceAndHost) {
  std::mt19937_64 random(1);
  const int64_t values = ParameterCount(Phi2());
  for (int i = 0; i < 1000; ++i) {
    MemoryInputs inputs = OnCard(static_cast<int64_t>(random() % 100));
    inputs.pass_tokens = 1 + static_cast<int64_t>(random() % 20000);
    inputs.recompute = random() % 2 == 0;
    inputs.ranks = 1 + static_cast<int64_t>(random() % 3);
    const MemoryPlan plan = PlanMemory(inputs);
    EXPECT_EQ(plan.device.state + plan.host.state, kStateBytes * values);
    EXPECT_EQ(plan.device.gradients + plan.host.gradients, kGradientBytes * values);
    const DeviceMemory& device = plan.device;
    const int64_t least = device.weights + device.pass + device.reserve;
    EXPECT_LE(device.total(), std::max(least, inputs.device_bytes));
  }
}

// fp32 weights of one process on a CPU are their own masters.
TEST(PlanMemory, ACpuHoldsSixteenBytesAParameter) {
  MemoryInputs inputs{.config = Phi2()};
  const int64_t values = ParameterCount(Phi2());
  const HostMemory fp32 = PlanMemory(inputs).host;
  EXPECT_EQ(fp32.weights + fp32.gradients + fp32.state, 16 * values);
  inputs.value_bytes = 2;
  const HostMemory bf16 = PlanMemory(inputs).host;
  EXPECT_EQ(bf16.weights + bf16.gradients + bf16.state, 18 * values);
  EXPECT_EQ(PlanMemory(inputs).device.total(), 0);
}

TEST(PlanMemory, ACheckpointIsTheStateAndTheModel) {
  const MemoryPlan plan = PlanMemory(OnCard(79));
  EXPECT_EQ(plan.final_bytes, 2 * ParameterCount(Phi2()));
  EXPECT_EQ(plan.checkpoint_bytes, 14 * ParameterCount(Phi2()));
}

TEST(PassBytes, GrowWithTokensAndWithKeptActivations) {
  MemoryInputs inputs = OnCard(79);
  const int64_t recomputed = PassBytes(inputs);
  inputs.recompute = false;
  EXPECT_GT(PassBytes(inputs), 3 * recomputed);
  inputs.recompute = true;
  inputs.pass_tokens *= 2;
  EXPECT_GT(PassBytes(inputs), recomputed);
}

}  // namespace
}  // namespace tune
