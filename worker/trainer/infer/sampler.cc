#include "worker/trainer/infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace tune::trainer {
namespace {

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
    const double logit = logits[id];
    candidates.push_back({static_cast<int32_t>(id), logit, std::exp((logit - top) / temperature)});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
  return candidates;
}

void KeepTopK(int64_t top_k, std::vector<Candidate>* candidates) {
  if (top_k <= 0 || top_k >= static_cast<int64_t>(candidates->size())) return;
  const double least = (*candidates)[top_k - 1].logit;
  std::erase_if(*candidates, [least](const Candidate& c) { return c.logit < least; });
}

// Keeps the smallest number of candidates whose probability reaches top_p.
void KeepTopP(double top_p, std::vector<Candidate>* candidates) {
  if (top_p >= 1) return;
  double sum = 0;
  size_t kept = 0;
  do {
    sum += (*candidates)[kept++].probability;
  } while (sum < top_p && kept < candidates->size());
  candidates->resize(kept);
}

int32_t Greediest(const std::vector<float>& logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

std::vector<Candidate> Distribution(std::vector<float> logits, const std::vector<int32_t>& history,
                                    const SamplingOptions& options) {
  PenalizeRepetition(options.repetition_penalty, history, &logits);
  std::vector<Candidate> candidates = Ranked(logits, options.temperature);
  KeepTopK(options.top_k, &candidates);
  Normalize(&candidates);
  KeepTopP(options.top_p, &candidates);
  Normalize(&candidates);
  return candidates;
}

int32_t Sampler::Next(std::vector<float> logits, const std::vector<int32_t>& history) {
  if (options_.temperature <= 0) {
    PenalizeRepetition(options_.repetition_penalty, history, &logits);
    return Greediest(logits);
  }
  const auto candidates = Distribution(std::move(logits), history, options_);
  // 53 random bits: the same draw on every standard library.
  double draw = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  for (const Candidate& candidate : candidates) {
    if ((draw -= candidate.probability) < 0) return candidate.id;
  }
  return candidates.back().id;
}

}  // namespace tune::trainer
