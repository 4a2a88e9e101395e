#include "worker/trainer/optim/host_kernels.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

// The same loop compiled for several vector units: the body is inlined into one function
// per target, and the best one the processor has is called.
#if defined(__x86_64__)
#define TUNE_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,fma")))
#define TUNE_TARGET_AVX2 __attribute__((target("avx2,fma")))
#endif
#define TUNE_INLINE inline __attribute__((always_inline))

namespace tune::trainer {
namespace {

constexpr int64_t kChunk = 32768;
// Independent sums, so that additions can overlap; part of the result's definition.
constexpr int64_t kLanes = 16;

TUNE_INLINE double SquaresOf(const float* __restrict x, int64_t n) {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = x[i + lane];
      lanes[lane] += value * value;
    }
  }
  for (; i < n; ++i) lanes[i % kLanes] += static_cast<double>(x[i]) * x[i];
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

struct AdamWPointers {
  const float* gradient;
  float* master;
  float* exp_avg;
  float* exp_avg_sq;
  void* weight;
};

TUNE_INLINE void Store(float value, float* out) { *out = value; }

// Round to nearest even; NaN stays NaN.
TUNE_INLINE void Store(float value, uint16_t* out) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  *out = static_cast<uint16_t>(value != value ? 0x7FC0u : rounded);
}

// `weight` may be `master`: then both stores put the same value in the same place.
template <typename Weight>
TUNE_INLINE void AdamWLoop(const AdamWCoefficients& c, const AdamWPointers& p, int64_t n) {
  const float* __restrict gradient = p.gradient;
  float* __restrict exp_avg = p.exp_avg;
  float* __restrict exp_avg_sq = p.exp_avg_sq;
  float* master = p.master;
  auto* weight = static_cast<Weight*>(p.weight);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * c.gradient_scale;
    const float m = exp_avg[i] + c.one_minus_beta1 * (g - exp_avg[i]);
    const float v = exp_avg_sq[i] * c.beta2 + c.one_minus_beta2 * g * g;
    const float denominator = std::sqrt(v) / c.root_correction + c.eps;
    const float updated = master[i] * c.decay - c.step_size * (m / denominator);
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
    master[i] = updated;
    Store(updated, weight + i);
  }
}

#define TUNE_KERNELS(suffix, target)                                                             \
  target double Squares##suffix(const float* x, int64_t n) { return SquaresOf(x, n); }           \
  target void AdamWFp32##suffix(const AdamWCoefficients& c, const AdamWPointers& p, int64_t n) { \
    AdamWLoop<float>(c, p, n);                                                                   \
  }                                                                                              \
  target void AdamWBf16##suffix(const AdamWCoefficients& c, const AdamWPointers& p, int64_t n) { \
    AdamWLoop<uint16_t>(c, p, n);                                                                \
  }

TUNE_KERNELS(Baseline, )
#if defined(__x86_64__)
TUNE_KERNELS(Avx512, TUNE_TARGET_AVX512)
TUNE_KERNELS(Avx2, TUNE_TARGET_AVX2)
#endif

struct Kernels {
  double (*squares)(const float*, int64_t);
  void (*adamw_fp32)(const AdamWCoefficients&, const AdamWPointers&, int64_t);
  void (*adamw_bf16)(const AdamWCoefficients&, const AdamWPointers&, int64_t);
};

Kernels BestKernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    return {SquaresAvx512, AdamWFp32Avx512, AdamWBf16Avx512};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {SquaresAvx2, AdamWFp32Avx2, AdamWBf16Avx2};
  }
#endif
  return {SquaresBaseline, AdamWFp32Baseline, AdamWBf16Baseline};
}

// Calls body(begin, length) for each chunk of [0, n), in parallel.
template <typename Body>
void ForEachChunk(int64_t n, const Body& body) {
  at::parallel_for(0, (n + kChunk - 1) / kChunk, 1, [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; ++chunk) {
      body(chunk * kChunk, std::min(kChunk, n - chunk * kChunk));
    }
  });
}

}  // namespace

double SumOfSquares(const at::Tensor& tensor) {
  const Kernels kernels = BestKernels();
  const int64_t n = tensor.numel();
  const float* x = tensor.const_data_ptr<float>();
  std::vector<double> chunks((n + kChunk - 1) / kChunk);
  ForEachChunk(n, [&](int64_t begin, int64_t length) {
    chunks[begin / kChunk] = kernels.squares(x + begin, length);
  });
  double sum = 0;
  for (const double chunk : chunks) sum += chunk;
  return sum;
}

void AdamWUpdate(const AdamWCoefficients& coefficients, const at::Tensor& gradient,
                 const at::Tensor& master, const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                 const at::Tensor& weight) {
  const Kernels kernels = BestKernels();
  const bool bf16 = weight.scalar_type() == at::kBFloat16;
  const auto update = bf16 ? kernels.adamw_bf16 : kernels.adamw_fp32;
  const AdamWPointers all{gradient.const_data_ptr<float>(), master.data_ptr<float>(),
                          exp_avg.data_ptr<float>(), exp_avg_sq.data_ptr<float>(),
                          weight.data_ptr()};
  ForEachChunk(gradient.numel(), [&](int64_t begin, int64_t length) {
    const AdamWPointers chunk{
        all.gradient + begin, all.master + begin, all.exp_avg + begin, all.exp_avg_sq + begin,
        static_cast<char*>(all.weight) + begin * static_cast<int64_t>(weight.element_size())};
    update(coefficients, chunk, length);
  });
}

}  // namespace tune::trainer
