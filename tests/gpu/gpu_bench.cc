// Whole steps of a model of Phi-2's size on a GPU, in bf16, on packed rows of GSM8K's lengths:
// under each placement, as cards of several sizes would have it. Prints one JSON object as the last
// line of its output; progress is on stderr.
//
//   gpu_bench [--layers N] [--hidden N] [--vocab N] [--micro-batches N] [--tokens N] [--steps N]
//             [--device cuda]
//
// Weights are random: time and memory do not depend on their values. `mfu` counts 6 operations a
// weight and token, and those of attention, over what a large matrix product reaches in the same
// run.
#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "base/json.h"
#include "recipe/data/batches.h"
#include "recipe/model/model_family.h"
#include "recipe/plan/memory_plan.h"
#include "worker/trainer/core/device.h"
#include "worker/trainer/net/make_network.h"
#include "worker/trainer/net/training_pass.h"
#include "worker/trainer/optim/gradients.h"
#include "worker/trainer/optim/optimizer.h"

namespace tune::bench {
namespace {

using namespace trainer;  // NOLINT: a program, of which most is the trainer's

struct Options {
  int64_t layers = 32, hidden = 2560, vocab = 51200, micro_batches = 2, tokens = 4096;
  int64_t steps = 6;
  std::string device = "cuda";
};

ModelConfig ConfigOf(const Options& options) {
  ModelConfig config;
  config.vocab_size = options.vocab;
  config.hidden_size = options.hidden;
  config.intermediate_size = 4 * options.hidden;
  config.num_hidden_layers = options.layers;
  config.num_attention_heads = config.num_key_value_heads = options.hidden / 80;
  config.max_position_embeddings = 2048;
  config.partial_rotary_factor = 0.4;
  config.eos_token_id = options.vocab - 1;
  return config;
}

// Lengths between 80 and 300 tokens, of which the last 60 % are learned.
std::vector<Example> RowsOf(int64_t tokens, int64_t vocab) {
  std::vector<Example> rows;
  for (int64_t used = 0; used < tokens;) {
    const auto seed = static_cast<int64_t>(rows.size());
    const int64_t length = std::min(tokens - used, 80 + seed * 7919 % 221);
    Example row;
    for (int64_t t = 0; t < length; ++t) {
      row.ids.push_back(static_cast<int32_t>((seed * 104729 + t * 1299709) % vocab));
      row.target.push_back(t > length * 2 / 5 ? 1 : 0);
    }
    rows.push_back(std::move(row));
    used += length;
  }
  return rows;
}

MicroBatch BatchOf(const std::vector<Example>& rows, const at::Device& device) {
  std::vector<BatchItem> items;
  for (size_t i = 0; i < rows.size(); ++i) items.push_back({&rows[i], static_cast<int64_t>(i)});
  return MakeMicroBatch(items, device);
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Synchronize(const at::Device& device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

// TFLOP/s of a bf16 matrix product large enough to reach what the device can.
double MatrixRate(const at::Device& device, int64_t size) {
  const at::Tensor a = at::randn({size, size}, at::TensorOptions(at::kBFloat16).device(device));
  const at::Tensor b = at::randn_like(a);
  at::Tensor c = at::mm(a, b);
  double best = 1e30;
  for (int round = 0; round < 5; ++round) {
    Synchronize(device);
    const double begin = Now();
    at::mm_out(c, a, b);
    Synchronize(device);
    best = std::min(best, Now() - begin);
  }
  return 2.0 * static_cast<double>(size * size * size) / best / 1e12;
}

double FlopsPerToken(const ModelConfig& config, double mean_tokens) {
  const double matmul = static_cast<double>(ParameterCount(config)) -
                        static_cast<double>(config.vocab_size * config.hidden_size);
  return 6 * matmul +
         6 * static_cast<double>(config.num_hidden_layers * config.hidden_size) * mean_tokens;
}

struct Measured {
  double step_seconds = 0;    // median
  double waited_seconds = 0;  // of it, for weights on their way
  double peak_bytes = 0, planned_bytes = 0;
};

class Bench {
 public:
  Bench(const Options& options, const at::Device& device)
      : options_(options),
        device_(device),
        config_(ConfigOf(options)),
        rows_(RowsOf(options.tokens, options.vocab)),
        parameters_(config_, device, at::kBFloat16),
        network_(MakeNetwork(config_, parameters_)) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      at::Tensor weight = parameters_[i].weight.detach();
      weight.normal_(0, 0.02);
    }
  }

  const FlatLayout& layout() const { return parameters_.layout(); }
  const ModelConfig& config() const { return config_; }
  double tokens() const { return static_cast<double>(options_.tokens * options_.micro_batches); }
  double mean_tokens() const {
    return static_cast<double>(options_.tokens) / static_cast<double>(rows_.size());
  }

  // As a card with so much memory would have it.
  Placement PlacementOn(int64_t card_bytes) const {
    return PlaceState(layout(), card_bytes - ReserveBytes(card_bytes) - WeightBytes() - Pass());
  }

  Measured Run(const Placement& placement) {
    const auto ranks = OneRank();
    const auto lanes = LanesFor(device_);
    AdamW optimizer(parameters_, RunSpec(), *ranks, *lanes, placement);
    Gradients gradients(parameters_, *ranks, *lanes, placement);
    ResetPeak();
    std::vector<double> seconds, waited;
    for (int64_t step = 0; step < options_.steps + 2; ++step) {
      const double begin = Now();
      waited.push_back(Step(step, &optimizer, &gradients));
      seconds.push_back(Now() - begin);
    }
    optimizer.Finish();
    // The first two set up what the others use again.
    seconds.erase(seconds.begin(), seconds.begin() + 2);
    waited.erase(waited.begin(), waited.begin() + 2);
    return {.step_seconds = Median(seconds),
            .waited_seconds = Median(waited),
            .peak_bytes = PeakBytes(),
            .planned_bytes =
                static_cast<double>(WeightBytes() + Pass() + DeviceBytes(layout(), placement))};
  }

 private:
  static double Median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  int64_t WeightBytes() const { return static_cast<int64_t>(parameters_.flat().nbytes()); }
  int64_t Pass() const {
    return PassBytes({.config = config_, .value_bytes = 2, .pass_tokens = options_.tokens});
  }

  double Step(int64_t step, AdamW* optimizer, Gradients* gradients) {
    double waited = 0;
    const PassOptions options{.scale = 1 / tokens(), .await = [&](size_t index) {
                                const double begin = Now();
                                optimizer->Await(index);
                                waited += Now() - begin;
                              }};
    gradients->Clear();
    for (int64_t i = 0; i < options_.micro_batches; ++i) {
      if (i + 1 == options_.micro_batches) gradients->BeginLastPass();
      ForwardBackward(*network_, BatchOf(rows_, device_), Dropout(), options, gradients);
    }
    optimizer->Step(*gradients, 1e-6, ClipScale(gradients->Norm(), 1), step + 1);
    return waited;
  }

  void ResetPeak() const {
    if (!device_.is_cpu()) at::accelerator::resetPeakStats(device_.index());
  }
  double PeakBytes() const {
    if (device_.is_cpu()) return 0;
    return static_cast<double>(
        at::accelerator::getDeviceStats(device_.index())
            .allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)]
            .peak);
  }

  const Options options_;
  const at::Device device_;
  const ModelConfig config_;
  const std::vector<Example> rows_;
  Parameters parameters_;
  std::unique_ptr<Network> network_;
};

Json ResultOf(const std::string& name, const Placement& placement, const Measured& measured,
              const Bench& bench, double matrix_rate) {
  const double rate = bench.tokens() / measured.step_seconds;
  const double flops = FlopsPerToken(bench.config(), bench.mean_tokens()) * rate;
  return {{"name", name},
          {"buckets", bench.layout().buckets()},
          {"state_buckets_on_device", placement.state},
          {"gradient_buckets_on_device", placement.gradients},
          {"step_seconds", measured.step_seconds},
          {"update_wait_seconds", measured.waited_seconds},
          {"tokens_per_s", rate},
          {"mfu", flops / (matrix_rate * 1e12)},
          {"device_peak_gib", measured.peak_bytes / (1 << 30)},
          {"device_planned_gib", measured.planned_bytes / (1 << 30)}};
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app;
  app.add_option("--layers", options.layers);
  app.add_option("--hidden", options.hidden);
  app.add_option("--vocab", options.vocab);
  app.add_option("--micro-batches", options.micro_batches);
  app.add_option("--tokens", options.tokens);
  app.add_option("--steps", options.steps);
  app.add_option("--device", options.device);
  CLI11_PARSE(app, argc, argv);
  const auto device = OpenDevice(options.device);
  if (!device.ok()) {
    std::fprintf(stderr, "gpu: %s\n", device.status().ToString().c_str());
    return 1;
  }
  const double matrix_rate = MatrixRate(*device, device->is_cpu() ? 512 : 8192);
  Bench bench(options, *device);
  const int64_t all = bench.layout().buckets(), gib = int64_t{1} << 30;
  const std::vector<std::pair<std::string, Placement>> placements = {
      {"none", {all, all}},
      {"auto_80_gib", bench.PlacementOn(80 * gib)},
      {"auto_40_gib", bench.PlacementOn(40 * gib)},
      {"auto_24_gib", bench.PlacementOn(24 * gib)},
      {"host", {0, all}},
      {"gradients_on_host", {0, 0}}};
  Json results = Json::array();
  std::map<std::string, double> seconds;
  for (const auto& [name, placement] : placements) {
    const Measured measured = bench.Run(placement);
    seconds[name] = measured.step_seconds;
    results.push_back(ResultOf(name, placement, measured, bench, matrix_rate));
    std::fprintf(stderr, "gpu: %s\n", DumpJson(results.back()).c_str());
  }
  std::puts(DumpJson({{"benchmark", "gpu"},
                      {"parameters", ParameterCount(bench.config())},
                      {"matrix_tflops", matrix_rate},
                      {"results", results},
                      {"ratios",
                       {{"mfu", results[0]["mfu"]},
                        {"auto_vs_none", seconds["auto_80_gib"] / seconds["none"]},
                        {"auto_40_vs_none", seconds["auto_40_gib"] / seconds["none"]},
                        {"host_vs_none", seconds["host"] / seconds["none"]}}}})
                .c_str());
  return 0;
}

}  // namespace
}  // namespace tune::bench

int main(int argc, char** argv) { return tune::bench::Main(argc, argv); }
