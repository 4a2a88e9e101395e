#include "worker/trainer/run/divergence.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace tune::trainer {
namespace {

using Losses = absl::Span<const double>;

double Least(Losses losses) { return *std::min_element(losses.begin(), losses.end()); }
double Most(Losses losses) { return *std::max_element(losses.begin(), losses.end()); }

bool IsWorseThanGuessing(Losses first, Losses last, double guessing) {
  if (last.size() <= kGuessingSteps) return false;  // the first is that of the base model
  const double least = Least(last.last(kGuessingSteps));
  return least > guessing + kGuessingMargin && least > first[0] + kGuessingMargin;
}

bool HasRisen(Losses first, Losses last) {
  return last.size() >= kFirstSteps + kRisenSteps &&
         Least(last.last(kRisenSteps)) > kRisenFactor * Most(first);
}

}  // namespace

std::string DivergenceAt(Losses first, Losses last, int64_t vocab_size) {
  if (last.empty()) return "";
  const Losses before = last.first(last.size() - 1);
  const double guessing = std::log(static_cast<double>(vocab_size));
  if (IsWorseThanGuessing(first, last, guessing)) {
    if (IsWorseThanGuessing(first, before, guessing)) return "";
    return absl::StrFormat(
        "the run diverges: the loss is %.4f, and for %d steps was above the %.4f of guessing among "
        "the vocabulary's %d tokens",
        last.back(), kGuessingSteps, guessing, vocab_size);
  }
  if (!HasRisen(first, last) || HasRisen(first, before)) return "";
  return absl::StrFormat(
      "the run gets worse: the loss is %.4f, and in each of the last %d steps was above %.4f, the "
      "highest of the first %d",
      last.back(), kRisenSteps, Most(first), kFirstSteps);
}

}  // namespace tune::trainer
