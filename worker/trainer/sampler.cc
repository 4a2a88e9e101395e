#include "worker/trainer/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace tune::trainer {
namespace {

struct Candidate {
  int32_t id;
  double probability;
};

void PenalizeRepetition(double penalty, const std::vector<int32_t>& history,
                        std::vector<float>* logits) {
  if (penalty == 1) return;
  for (const int32_t id : std::set<int32_t>(history.begin(), history.end())) {
    if (id < 0 || id >= static_cast<int32_t>(logits->size())) continue;
    float& logit = (*logits)[id];
    logit = static_cast<float>(logit < 0 ? logit * penalty : logit / penalty);
  }
}

void Normalize(std::vector<Candidate>* candidates) {
  double sum = 0;
  for (const Candidate& candidate : *candidates) sum += candidate.probability;
  for (Candidate& candidate : *candidates) candidate.probability /= sum;
}

// Softmax at a temperature, most probable first.
std::vector<Candidate> Ranked(const std::vector<float>& logits, double temperature) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<Candidate> candidates;
  for (size_t id = 0; id < logits.size(); ++id) {
    candidates.push_back({static_cast<int32_t>(id), std::exp((logits[id] - top) / temperature)});
  }
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.probability > b.probability; });
  return candidates;
}

// The smallest number of candidates whose probability reaches top_p.
size_t NucleusSize(const std::vector<Candidate>& candidates, double top_p) {
  double sum = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    sum += candidates[i].probability;
    if (sum >= top_p) return i + 1;
  }
  return candidates.size();
}

}  // namespace

int32_t Sampler::Next(std::vector<float> logits, const std::vector<int32_t>& history) {
  PenalizeRepetition(options_.repetition_penalty, history, &logits);
  if (options_.temperature <= 0) {
    return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  std::vector<Candidate> candidates = Ranked(logits, options_.temperature);
  if (options_.top_k > 0) {
    candidates.resize(std::min<size_t>(options_.top_k, candidates.size()));
  }
  Normalize(&candidates);
  candidates.resize(NucleusSize(candidates, options_.top_p));
  Normalize(&candidates);
  // 53 random bits: the same draw on every standard library.
  double draw = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  for (const Candidate& candidate : candidates) {
    if ((draw -= candidate.probability) < 0) return candidate.id;
  }
  return candidates.back().id;
}

}  // namespace tune::trainer
