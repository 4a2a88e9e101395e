#include "base/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace tune {
namespace {

uint64_t SplitMix64(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Of artanh(s) / s as a series in s^2; 12 terms leave 1e-17 for |s| <= 0.172.
constexpr double kArtanh[] = {1,        1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
                              1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};

// ln(x) for x in (0, 1), to about 1e-15: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
// ln(m) = 2 artanh((m - 1) / (m + 1)).
double Ln(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < std::numbers::sqrt2 / 2) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1);
  double sum = 0;
  for (int i = 11; i >= 0; --i) sum = sum * (s * s) + kArtanh[i];
  return 2 * s * sum + exponent * std::numbers::ln2;
}

}  // namespace

Random::Random(std::initializer_list<uint64_t> key) {
  uint64_t state = 0;
  for (const uint64_t part : key) {
    state += part;
    state = SplitMix64(&state);
  }
  for (uint64_t& word : state_) word = SplitMix64(&state);
}

uint64_t Random::Next() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

uint64_t Random::Below(uint64_t n) {
  const uint64_t excess = -n % n;  // 2^64 mod n
  uint64_t draw = Next();
  while (draw < excess) draw = Next();
  return draw % n;
}

double Random::Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

double Random::Normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double u, v, s;
  do {
    u = 2 * Uniform() - 1;
    v = 2 * Uniform() - 1;
    s = u * u + v * v;
  } while (s >= 1 || s == 0);
  const double factor = std::sqrt(-2 * Ln(s) / s);
  spare_ = v * factor;
  has_spare_ = true;
  return u * factor;
}

}  // namespace tune
