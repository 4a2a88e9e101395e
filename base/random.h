// Random numbers that are the same on every machine: xoshiro256** (Blackman and Vigna,
// "Scrambled linear pseudorandom number generators", prng.di.unimi.it), seeded through
// SplitMix64 as its authors advise. Not for secrets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace tune {

class Random {
 public:
  // A stream of its own for every key, such as {seed, epoch}.
  explicit Random(std::initializer_list<uint64_t> key);

  uint64_t Next();
  // Uniform in [0, n), without bias (draws that would favour small values are thrown
  // away); n > 0.
  uint64_t Below(uint64_t n);
  // Uniform in [0, 1), a multiple of 2^-53.
  double Uniform();
  // Standard normal, by Marsaglia's polar method. Only + - * / and sqrt, which IEEE 754
  // rounds in one way, so no libm's logarithm decides the last bit.
  double Normal();

 private:
  std::array<uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// Fisher-Yates from the front: after it, the first `count` entries are a uniform draw
// without repetition, in random order.
template <class T>
void ShuffleFront(std::size_t count, Random* random, std::vector<T>* values) {
  for (std::size_t i = 0; i < count && i + 1 < values->size(); ++i) {
    std::swap((*values)[i], (*values)[i + random->Below(values->size() - i)]);
  }
}

}  // namespace tune
