// The update of all parameters in host memory: Tune's kernel, PyTorch's fused one and what memory
// allows, interleaved. Prints one JSON object as the last line of its output; progress is on
// stderr.
//
//   adamw [--parameters N] [--rounds N] [--threads N]
//
// What memory allows is an in-place pass over the same arrays: as many bytes read and written, next
// to nothing computed, by as many threads.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>

#include "base/json.h"
#include "tests/bench/rounds.h"
#include "worker/trainer/optim/host_kernels.h"

namespace tune::bench {
namespace {

using trainer::AdamWCoefficients;

// Gradient, fp32 state and, where the weight is not the master itself, a bf16 weight.
struct State {
  at::Tensor gradient, master, exp_avg, exp_avg_sq, weight;

  // Bytes that an update must read and write.
  double Bytes() const {
    const double copy = weight.is_same(master) ? 0 : static_cast<double>(weight.element_size());
    return static_cast<double>(master.numel()) *
           (static_cast<double>(gradient.element_size()) + 24 + copy);
  }
};

State MakeState(int64_t n, at::ScalarType gradient, at::ScalarType weight) {
  State state{at::empty({n}, at::kFloat).uniform_(-1e-3, 1e-3).to(gradient),
              at::empty({n}, at::kFloat).uniform_(-1, 1),
              at::zeros({n}, at::kFloat),
              at::zeros({n}, at::kFloat),
              {}};
  state.weight = weight == at::kFloat ? state.master : state.master.to(weight);
  return state;
}

AdamWCoefficients Coefficients(double t) {
  return {.gradient_scale = 0.5F,
          .decay = 1 - 1e-9F,
          .one_minus_beta1 = 0.1F,
          .beta2 = 0.999F,
          .one_minus_beta2 = 0.001F,
          .step_size = static_cast<float>(1e-5 / (1 - std::pow(0.9, t))),
          .root_correction = static_cast<float>(std::sqrt(1 - std::pow(0.999, t))),
          .eps = 1e-8F};
}

void Ours(const State& s) {
  trainer::AdamWUpdate(Coefficients(10), s.gradient, s.master, s.exp_avg, s.exp_avg_sq, s.weight);
}

void Fused(const State& s) {
  const at::Tensor step = at::scalar_tensor(10.0, at::kFloat);
  at::_fused_adamw_({s.master}, {s.gradient}, {s.exp_avg}, {s.exp_avg_sq}, {}, {step}, 1e-5, 0.9,
                    0.999, 1e-4, 1e-8, /*amsgrad=*/false, /*maximize=*/false);
}

__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3"))) void PassFloats(
    const float* __restrict g, float* __restrict a, float* __restrict b, float* __restrict c,
    int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    a[i] += g[i];
    b[i] += g[i];
    c[i] += g[i];
  }
}

__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3"))) void PassHalves(
    const uint16_t* __restrict g, float* __restrict a, float* __restrict b, float* __restrict c,
    uint16_t* __restrict w, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    a[i] += static_cast<float>(g[i]);
    b[i] += static_cast<float>(g[i]);
    c[i] += static_cast<float>(g[i]);
    w[i] = static_cast<uint16_t>(g[i] + 1);
  }
}

void Pass(const State& s) {
  auto *a = s.master.data_ptr<float>(), *b = s.exp_avg.data_ptr<float>(),
       *c = s.exp_avg_sq.data_ptr<float>();
  at::parallel_for(0, s.master.numel(), 32768, [&](int64_t begin, int64_t end) {
    if (s.gradient.scalar_type() == at::kFloat) {
      PassFloats(s.gradient.const_data_ptr<float>() + begin, a + begin, b + begin, c + begin,
                 end - begin);
    } else {
      PassHalves(static_cast<const uint16_t*>(s.gradient.const_data_ptr()) + begin, a + begin,
                 b + begin, c + begin, static_cast<uint16_t*>(s.weight.data_ptr()) + begin,
                 end - begin);
    }
  });
}

int Main(int argc, char** argv) {
  int64_t parameters = 100'000'000;
  int rounds = 7, threads = at::get_num_threads();
  CLI::App app;
  app.add_option("--parameters", parameters);
  app.add_option("--rounds", rounds);
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(threads);
  const State fp32 = MakeState(parameters, at::kFloat, at::kFloat);
  const State bf16 = MakeState(parameters, at::kBFloat16, at::kBFloat16);
  Rounds times("adamw", rounds);
  times.Run({{"fp32", [&] { Ours(fp32); }},
             {"fp32_pass", [&] { Pass(fp32); }},
             {"fp32_fused", [&] { Fused(fp32); }},
             {"bf16", [&] { Ours(bf16); }},
             {"bf16_pass", [&] { Pass(bf16); }}});
  Json results = Json::array();
  for (const std::string& name : times.names()) {
    const double seconds = times.Median(name);
    const State& state = name.starts_with("bf16") ? bf16 : fp32;
    results.push_back({{"name", name},
                       {"ns_per_parameter", seconds * 1e9 / static_cast<double>(parameters)},
                       {"gb_per_s", state.Bytes() / seconds / 1e9}});
  }
  const Json json = {{"benchmark", "adamw"},
                     {"parameters", parameters},
                     {"threads", threads},
                     {"vector_units", at::get_cpu_capability()},
                     {"results", results},
                     {"ratios",
                      {{"of_memory_limit", times.Ratio("fp32_pass", "fp32")},
                       {"of_memory_limit_bf16", times.Ratio("bf16_pass", "bf16")},
                       {"vs_fused", times.Ratio("fp32_fused", "fp32")}}}};
  std::puts(DumpJson(json).c_str());
  return 0;
}

}  // namespace
}  // namespace tune::bench

int main(int argc, char** argv) { return tune::bench::Main(argc, argv); }
