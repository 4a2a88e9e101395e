// How much two texts have in common, from a few numbers of each: MinHash (Broder, "On the
// resemblance and containment of documents", 1997), with banding to find pairs (Leskovec, Rajaraman
// and Ullman, "Mining of Massive Datasets", chapter 3.4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace tune {

// Two texts are as similar as their sets of runs of this many words: the Jaccard index, what both
// have over what either has. Lee et al., "Deduplicating Training Data Makes Language Models Better"
// (2022), compare runs of five words too.
constexpr size_t kShingleWords = 5;
constexpr int kMinHashes = 128;

// Of each of 128 random functions the least value over a set, reduced to a byte: two sets agree in
// a byte with probability J + (1 - J) / 256 (Li and König, "b-Bit Minwise Hashing", 2010).
using Signature = std::array<uint8_t, kMinHashes>;

// Of a set's hashes (NgramHashes), which is not empty.
Signature SignatureOf(const std::vector<uint64_t>& shingles);

// An estimate of the Jaccard index J without bias, its standard error at most
// sqrt((J (1 - J) + 1/256) / 128): 0.036 at 0.8, 0.027 at 0.9.
double EstimateJaccard(const Signature& a, const Signature& b);

// Signatures are cut into `bands` of `rows` bytes; two that agree in all of a band are compared.
struct Banding {
  int bands;
  int rows;

  // The chance that two sets of this Jaccard index are compared: 1 - (1 - p^rows)^bands, p being
  // the probability that they agree in a byte.
  double Chance(double jaccard) const;
};

// The longest bands by which two sets of index `threshold` are compared with a chance of 99 %; the
// longer, the fewer pairs are compared in vain. At 0.8: 32 bands of 4.
Banding BandingFor(double threshold);

// A hash of band `band`, the same for equal ones.
uint64_t BandHash(const Signature& signature, const Banding& banding, int band);

}  // namespace tune
