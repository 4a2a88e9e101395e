#include "worker/trainer/net/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>

namespace tune::trainer {

uint64_t MixSeed(uint64_t seed, uint64_t counter) {
  uint64_t z = seed + (counter + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

at::Generator SeededGenerator(const at::Device& device, uint64_t seed) {
  at::Generator generator = device.is_cuda()
                                ? at::detail::getCUDAHooks().getNewGenerator(device.index())
                                : at::make_generator<at::CPUGeneratorImpl>();
  generator.set_current_seed(seed);
  return generator;
}

Dropout::Dropout(uint64_t seed, int64_t step, const MicroBatch& batch)
    : seed_(MixSeed(seed, static_cast<uint64_t>(step))), batch_(&batch) {}

at::Tensor Dropout::Mask(at::IntArrayRef shape, const at::TensorOptions& options, double p,
                         uint64_t site, int64_t example) const {
  const uint64_t slot = static_cast<uint64_t>(batch_->slots[example]);
  const uint64_t seed = MixSeed(MixSeed(seed_, slot), site);
  return at::empty(shape, options)
      .bernoulli_(1 - p, SeededGenerator(options.device(), seed))
      .div_(1 - p);
}

at::Tensor Dropout::Apply(const at::Tensor& x, double p, uint64_t site) const {
  if (!enabled() || p == 0) return x;
  std::vector<at::Tensor> masks;
  for (int64_t i = 0; i < batch_->examples(); ++i) {
    const int64_t rows = batch_->offsets[i + 1] - batch_->offsets[i];
    masks.push_back(Mask({rows, x.size(1)}, x.options().requires_grad(false), p, site, i));
  }
  return x * at::cat(masks);
}

}  // namespace tune::trainer
