#include "recipe/cleaning/minhash.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace tune {
namespace {

constexpr double kBytes = 256;
constexpr double kWantedChance = 0.99;

// x -> a x + b over 32 bits, a being odd.
struct Functions {
  std::array<uint32_t, kMinHashes> a;
  std::array<uint32_t, kMinHashes> b;
};

Functions MakeFunctions() {
  Random random{0x4D696E48617368};  // any key: the same in every run
  Functions functions;
  for (int i = 0; i < kMinHashes; ++i) {
    functions.a[i] = static_cast<uint32_t>(random.Next() >> 32) | 1;
    functions.b[i] = static_cast<uint32_t>(random.Next() >> 32);
  }
  return functions;
}

// MurmurHash3's finalizer: the least values have zeros where they are highest, and their low bits
// follow from the low bits of what was hashed.
uint32_t Mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x85EBCA6B;
  x = (x ^ (x >> 13)) * 0xC2B2AE35;
  return x ^ (x >> 16);
}

double Agreement(double jaccard) { return jaccard + (1 - jaccard) / kBytes; }

}  // namespace

Signature SignatureOf(const std::vector<uint64_t>& shingles) {
  static const Functions functions = MakeFunctions();
  std::array<uint32_t, kMinHashes> least;
  least.fill(std::numeric_limits<uint32_t>::max());
  for (const uint64_t shingle : shingles) {
    const auto x = static_cast<uint32_t>(shingle >> 32);
    for (int i = 0; i < kMinHashes; ++i) {
      least[i] = std::min(least[i], functions.a[i] * x + functions.b[i]);
    }
  }
  Signature signature;
  for (int i = 0; i < kMinHashes; ++i) signature[i] = static_cast<uint8_t>(Mix(least[i]));
  return signature;
}

double EstimateJaccard(const Signature& a, const Signature& b) {
  int equal = 0;
  for (int i = 0; i < kMinHashes; ++i) equal += a[i] == b[i] ? 1 : 0;
  const double share = static_cast<double>(equal) / kMinHashes;
  return std::max(0.0, (share - 1 / kBytes) / (1 - 1 / kBytes));
}

double Banding::Chance(double jaccard) const {
  return 1 - std::pow(1 - std::pow(Agreement(jaccard), rows), bands);
}

Banding BandingFor(double threshold) {
  Banding banding{kMinHashes, 1};
  for (int rows = 2; rows <= kMinHashes; rows *= 2) {
    const Banding longer{kMinHashes / rows, rows};
    if (longer.Chance(threshold) < kWantedChance) break;
    banding = longer;
  }
  return banding;
}

uint64_t BandHash(const Signature& signature, const Banding& banding, int band) {
  uint64_t hash = 0xCBF29CE484222325 + static_cast<uint64_t>(band);
  for (int i = band * banding.rows; i < (band + 1) * banding.rows; ++i) {
    hash = (hash ^ signature[i]) * 0x100000001B3;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace tune
