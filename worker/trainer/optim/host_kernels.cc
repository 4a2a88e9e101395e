#include "worker/trainer/optim/host_kernels.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

// The same loop compiled for several vector units: the body is inlined into one function
// per target, and the one that LibTorch has found for its own kernels is called.
#if defined(__x86_64__)
#include <immintrin.h>
#define TUNE_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma")))
#define TUNE_TARGET_AVX2 __attribute__((target("avx2,fma")))
#endif
#define TUNE_INLINE inline __attribute__((always_inline))

namespace tune::trainer {
namespace {

constexpr int64_t kChunk = 32768;
// Independent sums, so that additions can overlap; part of the result's definition.
constexpr int64_t kLanes = 16;
// An update asks for the values of a block this far ahead of the one it computes.
constexpr int64_t kBlock = 64, kAhead = 512;

TUNE_INLINE float Load(const float* from) { return *from; }

// bf16 is the upper half of fp32.
TUNE_INLINE float Load(const at::BFloat16* from) {
  return std::bit_cast<float>(static_cast<uint32_t>(from->x) << 16);
}

TUNE_INLINE void Store(float value, float* out) { *out = value; }

// Round to nearest even; NaN stays NaN.
TUNE_INLINE void Store(float value, at::BFloat16* out) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  out->x = static_cast<uint16_t>(value != value ? 0x7FC0u : rounded);
}

template <typename Value>
TUNE_INLINE double SquaresOf(const Value* __restrict x, int64_t n) {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = Load(x + i + lane);
      lanes[lane] += value * value;
    }
  }
  for (; i < n; ++i) lanes[i % kLanes] += static_cast<double>(Load(x + i)) * Load(x + i);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

// Of a chunk.
template <typename Gradient, typename Weight>
struct AdamWPointers {
  const Gradient* gradient;
  float* master;
  float* exp_avg;
  float* exp_avg_sq;
  Weight* weight;
};

// Parameter i. Where weights are fp32 they may be the masters.
template <typename Gradient, typename Weight>
TUNE_INLINE void UpdateOne(const AdamWCoefficients& c, const AdamWPointers<Gradient, Weight>& p,
                           int64_t i) {
  // m / (sqrt(v) / correction + eps) with one division: both sides of it times the correction.
  const float step_size = c.step_size * c.root_correction, eps = c.eps * c.root_correction;
  const float g = Load(p.gradient + i) * c.gradient_scale;
  const float m = p.exp_avg[i] + c.one_minus_beta1 * (g - p.exp_avg[i]);
  const float v = p.exp_avg_sq[i] * c.beta2 + c.one_minus_beta2 * g * g;
  const float updated = p.master[i] * c.decay - step_size * m / (std::sqrt(v) + eps);
  p.exp_avg[i] = m;
  p.exp_avg_sq[i] = v;
  p.master[i] = updated;
  Store(updated, p.weight + i);
}

// The processor's own prefetching ends at each page of 4 KiB, of which four or five arrays come
// to an end at once, and starts anew.
template <typename Gradient, typename Weight>
TUNE_INLINE void Prefetch(const AdamWPointers<Gradient, Weight>& p, int64_t begin) {
  constexpr int64_t kLine = 64 / sizeof(float);
  for (int64_t i = begin; i < begin + kBlock; i += kLine) {
    __builtin_prefetch(p.gradient + i, 0);
    __builtin_prefetch(p.master + i, 1);
    __builtin_prefetch(p.exp_avg + i, 1);
    __builtin_prefetch(p.exp_avg_sq + i, 1);
  }
}

template <typename Gradient, typename Weight>
TUNE_INLINE void AdamWLoop(const AdamWCoefficients& c, const AdamWPointers<Gradient, Weight>& p,
                           int64_t n) {
  int64_t i = 0;
  for (; i + kBlock + kAhead <= n; i += kBlock) {
    Prefetch(p, i + kAhead);
#pragma GCC ivdep
    for (int64_t j = 0; j < kBlock; ++j) UpdateOne(c, p, i + j);
  }
#pragma GCC ivdep
  for (; i < n; ++i) UpdateOne(c, p, i);
}

template <typename Value>
using SquaresKernel = double (*)(const Value*, int64_t);
template <typename Gradient, typename Weight>
using AdamWKernel = void (*)(const AdamWCoefficients&, const AdamWPointers<Gradient, Weight>&,
                             int64_t);

// The kernels for one kind of vector units.
#define TUNE_KERNELS(name, target)                                                                 \
  struct name {                                                                                    \
    template <typename Value>                                                                      \
    target static double Squares(const Value* x, int64_t n) {                                      \
      return SquaresOf(x, n);                                                                      \
    }                                                                                              \
    template <typename Gradient, typename Weight>                                                  \
    target static void AdamW(const AdamWCoefficients& c, const AdamWPointers<Gradient, Weight>& p, \
                             int64_t n) {                                                          \
      AdamWLoop(c, p, n);                                                                          \
    }                                                                                              \
  };

TUNE_KERNELS(Baseline, )
#if defined(__x86_64__)
TUNE_KERNELS(Avx512, TUNE_TARGET_AVX512)
TUNE_KERNELS(Avx2, TUNE_TARGET_AVX2)
#endif

// Calls body(kernels) with those for the vector units that LibTorch uses, so that
// ATEN_CPU_CAPABILITY=avx2 or default forces them here too.
template <typename Body>
auto WithBestKernels(const Body& body) {
#if defined(__x86_64__)
  static const std::string units = at::get_cpu_capability();
  if (units == "AVX512") return body(Avx512());
  if (units == "AVX2") return body(Avx2());
#endif
  return body(Baseline());
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

template <typename Value>
double SumOfSquaresOf(const at::Tensor& tensor) {
  const int64_t n = tensor.numel();
  const Value* x = tensor.const_data_ptr<Value>();
  const auto squares = WithBestKernels([](auto kernels) -> SquaresKernel<Value> {
    return &decltype(kernels)::template Squares<Value>;
  });
  std::vector<double> chunks((n + kChunk - 1) / kChunk);
  ForEachChunk(n, [&](int64_t begin, int64_t length) {
    chunks[begin / kChunk] = squares(x + begin, length);
  });
  double sum = 0;
  for (const double chunk : chunks) sum += chunk;
  return sum;
}

template <typename Gradient, typename Weight>
void AdamWUpdateOf(const AdamWCoefficients& coefficients, const at::Tensor& gradient,
                   const at::Tensor& master, const at::Tensor& exp_avg,
                   const at::Tensor& exp_avg_sq, const at::Tensor& weight) {
  const auto adamw = WithBestKernels([](auto kernels) -> AdamWKernel<Gradient, Weight> {
    return &decltype(kernels)::template AdamW<Gradient, Weight>;
  });
  const AdamWPointers<Gradient, Weight> all{
      gradient.const_data_ptr<Gradient>(), master.data_ptr<float>(), exp_avg.data_ptr<float>(),
      exp_avg_sq.data_ptr<float>(), weight.data_ptr<Weight>()};
  ForEachChunk(gradient.numel(), [&](int64_t begin, int64_t length) {
    adamw(coefficients,
          {all.gradient + begin, all.master + begin, all.exp_avg + begin, all.exp_avg_sq + begin,
           all.weight + begin},
          length);
  });
}

// Calls body(value) with a float or an at::BFloat16, whichever the tensor's values are.
template <typename Body>
auto WithValueOf(const at::Tensor& tensor, const Body& body) {
  return tensor.scalar_type() == at::kBFloat16 ? body(at::BFloat16()) : body(0.0F);
}

}  // namespace

double SumOfSquares(const at::Tensor& tensor) {
  return WithValueOf(tensor, [&](auto value) { return SumOfSquaresOf<decltype(value)>(tensor); });
}

void AdamWUpdate(const AdamWCoefficients& coefficients, const at::Tensor& gradient,
                 const at::Tensor& master, const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                 const at::Tensor& weight) {
  WithValueOf(gradient, [&](auto of_gradient) {
    WithValueOf(weight, [&](auto of_weight) {
      AdamWUpdateOf<decltype(of_gradient), decltype(of_weight)>(coefficients, gradient, master,
                                                                exp_avg, exp_avg_sq, weight);
    });
  });
}

}  // namespace tune::trainer
